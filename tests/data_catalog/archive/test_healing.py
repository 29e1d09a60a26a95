"""Archives mended from what is left of them, and from their source."""

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.archive.healing import archive_faults, counted, heal_archive
from data_catalog.archive.ingest import ingest
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError

MakeAnalysis = Callable[..., xr.Dataset]


def no_source() -> xr.Dataset:
    raise ConfigurationError("no source")


def test_what_follows_from_the_ledger_needs_no_source(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    assert heal_archive(entry, archive, no_source) == ()
    (archive / "ledger.jsonl").unlink()
    assert len(heal_archive(entry, archive, no_source)) == 1
    for name in ("zarr.json", "time/c.0", "latitude/zarr.json"):
        (archive / name).unlink()
    assert len(heal_archive(entry, archive, no_source)) == 3
    (archive / "lsm" / "c.0.0").unlink()
    with pytest.raises(ConfigurationError, match="no source"):
        heal_archive(entry, archive, no_source)


@pytest.mark.parametrize("mend", ["ingest", "heal"])
def test_static_fields_and_chunks_come_from_the_source(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, mend: str
) -> None:
    ingest(entry, make_analysis(), archive)
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    (archive / "lsm" / "c.0.0").write_bytes(b"")
    (archive / "msl" / "c.1.0.0").unlink()
    (archive / "t2m" / "c.2.0.0").write_bytes((archive / "t2m" / "c.0.0.0").read_bytes())
    assert len(archive_faults(archive)) == 3
    if mend == "ingest":
        assert ingest(entry, make_analysis(), archive).mended == 3
    else:
        assert len(heal_archive(entry, archive, make_analysis)) == 3
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before


def test_what_the_source_lacks_is_left_and_named(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    for block in (0, 2):
        (archive / "msl" / f"c.{block}.0.0").unlink()
    with pytest.raises(InvalidDataError, match=r"msl/c\.0\.0\.0: .*ingest all of 2001-01-01 to 2001-01-08"):
        heal_archive(entry, archive, lambda: make_analysis().isel(time=slice(4, 20)))
    assert len(archive_faults(archive)) == 1
    with pytest.raises(InvalidDataError, match=r"expected to mend 1 fault, found 1 left: .*msl/c\.0\.0\.0"):
        heal_archive(entry, archive, lambda: make_analysis().isel(time=slice(8, 20)))


def test_nothing_to_heal_is_missing_data(entry: DatasetEntry, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="expected an archive"):
        heal_archive(entry, tmp_path / "absent.zarr", no_source)


@pytest.mark.parametrize("copied", [True, False])
def test_all_mended_faults_are_named_though_the_ledger_was_lost(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, copied: bool
) -> None:
    ingest(entry, make_analysis(), archive)
    (archive / "ledger.jsonl").unlink()
    (archive / "msl" / "c.1.0.0").unlink()
    (archive / "lsm" / "c.0.0").write_bytes(b"")
    (archive / "latitude" / "c.0").write_bytes(b"rubbish")
    if not copied:
        (archive / "ledger.copy.jsonl").unlink()
    mended = heal_archive(entry, archive, make_analysis)
    named = {line.partition(":")[0].removeprefix(str(archive)) for line in mended}
    assert named == {"", "/latitude/c.0", "/lsm/c.0.0", "/msl/c.1.0.0"}
    assert len(mended) == 4
    assert not any("mend it with" in line or "DATASET" in line for line in mended)


def test_what_is_left_is_counted_and_the_way_out_names_the_dataset(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    (archive / "zarr.json").unlink()
    (fault,) = archive_faults(archive)
    assert fault.endswith("found none; mend it with 'plumecast archive heal tiny'")
    (mended,) = heal_archive(entry, archive, no_source)
    assert mended == fault.partition("; mend")[0]
    assert (counted([fault]), counted([fault, fault])) == ("1 fault", "2 faults")
