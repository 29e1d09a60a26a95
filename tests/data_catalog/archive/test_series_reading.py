"""What is read from the twin is what the archive holds, however it is sliced."""

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.archive import series as twins
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.series import make_series, series_path
from data_catalog.archive.series_reading import open_series
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError, MissingDataError

MakeAnalysis = Callable[..., xr.Dataset]


@pytest.fixture
def filled(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(twins, "_CHUNK_BYTES", 20 * 4 * 9)
    ingest(entry, make_analysis(), archive)
    make_series(archive)
    return archive


def test_any_part_is_as_in_the_archive(filled: Path) -> None:
    whole, series = open_archive(filled).compute(), open_series(filled)
    assert series["msl"].chunks == ((20,), (3, 1), (3, 3, 2))
    xr.testing.assert_identical(series.compute(), whole)
    for part in (
        {"latitude": 3, "longitude": 7},
        {"latitude": [3, 0], "longitude": slice(2, 5)},
        {"time": slice(3, 17, 5), "latitude": slice(None, None, -1)},
        {"time": 4},
    ):
        xr.testing.assert_identical(series.isel(part).compute(), whole.isel(part))


def test_only_the_chunks_of_the_points_are_read(filled: Path) -> None:
    for chunk in series_path(filled).glob("t2m/c.*"):
        if chunk.name != "c.0.1.2":
            chunk.unlink()
    corner = {"latitude": 3, "longitude": 6}
    xr.testing.assert_identical(
        open_series(filled)["t2m"].isel(corner).compute(), open_archive(filled)["t2m"].isel(corner).compute()
    )
    with pytest.raises(InvalidDataError, match=r"t2m/c\.0\.\d\.\d: expected a file, found none"):
        open_series(filled)["t2m"].compute()


def test_an_ensemble_has_its_members_in_the_twin(
    entry: DatasetEntry, make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    members = [make_analysis(seed=seed, static=()) for seed in range(2)]
    joined = xr.concat(members, xr.DataArray([0, 5], dims="member", name="member"))
    joined = joined.transpose("time", "member", ...).assign(lsm=make_analysis()["lsm"])
    archive = tmp_path / "eda.zarr"
    ingest(DatasetEntry.model_validate({**entry.model_dump(), "members": 2}), joined, archive)
    make_series(archive)
    point = {"latitude": 2, "longitude": 5}
    xr.testing.assert_equal(open_series(archive).isel(point).compute(), joined.isel(point))


def test_without_a_twin_the_command_is_named(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    ingest(entry, make_analysis(), archive)
    with pytest.raises(MissingDataError, match="'plumecast archive rechunk tiny' makes it"):
        open_series(archive)
