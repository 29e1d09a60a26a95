"""Archives of ensembles of analyses: ingested, verified, healed, judged and opened; single ones keep their bytes."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.archive.analysis import open_analysis, open_dataset_source
from data_catalog.archive.healing import archive_faults, heal_archive
from data_catalog.archive.ingest import ingest
from data_catalog.archive.judging import read_verdicts
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]
DIMS = ("time", "member", "latitude", "longitude")


@pytest.fixture
def eda(entry: DatasetEntry) -> DatasetEntry:
    return DatasetEntry.model_validate({**entry.model_dump(), "members": 3})


@pytest.fixture
def ensemble(make_analysis: MakeAnalysis) -> xr.Dataset:
    """Three members numbered 0, 1 and 5 of 20 days."""
    members = [make_analysis(seed=seed, static=()) for seed in range(3)]
    joined = xr.concat(members, xr.DataArray([0, 1, 5], dims="member", name="member"))
    return joined.transpose(*DIMS).assign(lsm=make_analysis()["lsm"])


def test_an_ensemble_round_trips_and_is_mended(eda: DatasetEntry, ensemble: xr.Dataset, archive: Path) -> None:
    ingest(eda, ensemble.isel(time=slice(0, 11)), archive)
    summary = ingest(eda, ensemble.chunk({"time": 3}), archive)
    assert (summary.added, summary.known) == (9, 11)
    found = open_archive(archive)
    assert found["msl"].dims == DIMS
    xr.testing.assert_equal(found.compute(), ensemble)
    chosen = {"time": [13, 2], "member": [2, 0], "latitude": slice(1, 3)}
    xr.testing.assert_equal(found.isel(chosen).compute(), ensemble.isel(chosen))
    with xr.open_zarr(archive, consolidated=True) as plain:
        xr.testing.assert_equal(plain[["msl", "t2m"]].compute(), ensemble[["msl", "t2m"]])
    (archive / "msl" / "c.1.0.0.0").write_bytes(b"")
    (archive / "member" / "c.0").unlink()
    assert len(archive_faults(archive)) == 2
    with pytest.raises(InvalidDataError, match=r"msl/c\.1\.0\.0\.0: msl at 2001-01-09T00:00:00"):
        open_archive(archive)["msl"].compute()
    assert len(heal_archive(eda, archive, lambda: ensemble)) == 2
    xr.testing.assert_equal(open_archive(archive).compute(), ensemble)


def test_members_are_those_of_the_dataset_and_of_the_archive(
    entry: DatasetEntry, eda: DatasetEntry, ensemble: xr.Dataset, make_analysis: MakeAnalysis, archive: Path
) -> None:
    with pytest.raises(InvalidDataError, match=r"tiny \(ingest\): expected 3 members, found 2 members"):
        ingest(eda, ensemble.isel(member=[0, 1]), archive)
    with pytest.raises(InvalidDataError, match="expected 3 members, found no members"):
        ingest(eda, make_analysis(), archive)
    with pytest.raises(InvalidDataError, match="expected one analysis a time, found 3 members"):
        ingest(entry, ensemble, archive)
    ingest(eda, ensemble, archive)
    with pytest.raises(InvalidDataError, match=r"tiny\.zarr: expected members \[0, 1, 5\], found \[0, 1, 2\]"):
        ingest(eda, ensemble.assign_coords(member=[0, 1, 2]), archive)
    with pytest.raises(InvalidDataError, match="expected one analysis a time, found 3 members; 'plumecast forecast"):
        open_analysis(archive, ["msl"])
    assert open_analysis(archive, ["msl"], ensemble=True)["msl"].dims == DIMS
    assert eda.content_hash() != entry.content_hash()


def test_a_file_of_an_ensemble_is_ingested_with_all_members(
    entry: DatasetEntry, eda: DatasetEntry, ensemble: xr.Dataset, archive: Path, tmp_path: Path
) -> None:
    stored = ensemble.rename(member="number").transpose("number", "latitude", ...).assign_coords(expver="0001")
    stored.to_netcdf(tmp_path / "eda.nc", engine="netcdf4")
    with pytest.raises(InvalidDataError, match="expected one analysis, found 3 members"):
        open_dataset_source(entry, str(tmp_path / "eda.nc"))
    ingest(eda, open_dataset_source(eda, str(tmp_path / "eda.nc")), archive)
    xr.testing.assert_equal(open_archive(archive).compute(), ensemble)
    again = open_dataset_source(eda, str(archive))
    assert ingest(eda, again, archive.with_name("copy.zarr")).identity == inspect_archive(archive).identity


def test_each_member_is_judged_and_a_repeated_one_is_suspect(
    eda: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    members = [make_analysis(times=60, seed=seed, static=()) for seed in range(3)]
    joined = xr.concat(members, xr.DataArray([0, 1, 5], dims="member", name="member")).transpose(*DIMS)
    joined = joined.assign(lsm=make_analysis()["lsm"]).load()
    joined["msl"].values[40, 2] = joined["msl"].values[40, 1]
    joined["t2m"].values[20, 1, :, ::2] -= 70
    joined["t2m"].values[20, 1, :, 1::2] += 30
    ingest(eda, joined, archive)
    verdicts = read_verdicts(archive)
    assert len(verdicts.reasons) == 60
    state, reason = verdicts.state(joined["time"].values[40], "msl")
    assert state == "suspect"
    assert re.fullmatch(r"member 5( \(and \d more\))?: a copy of member 1", reason)
    state, reason = verdicts.state(joined["time"].values[20], "t2m")
    assert state == "suspect"
    assert reason.startswith("member 1: ")


def test_single_analyses_keep_their_bytes(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    ingest(entry, make_analysis(), archive)
    assert b'"members"' not in (archive / "ledger.jsonl").read_bytes()
    assert (archive / "msl" / "c.0.0.0").is_file()
    assert not (archive / "member").exists()
