"""The twin for point series holds the archive's values, and is refused once the archive has changed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive import series as twins
from data_catalog.archive.healing import heal_archive
from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.series import make_series, read_series, series_faults, series_path
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.archive_marks import without_advice

MakeAnalysis = Callable[..., xr.Dataset]


@pytest.fixture
def filled(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty days that arrived in two parts, on 4 x 8 points; chunks of 3 x 3 points, read in slabs of 3 rows."""
    monkeypatch.setattr(twins, "_CHUNK_BYTES", 20 * 4 * 9)
    monkeypatch.setattr(twins, "_SLAB_BYTES", 1)
    ingest(entry, make_analysis().isel(time=slice(10, 20)), archive)
    ingest(entry, make_analysis(), archive)
    return archive


def test_the_twin_is_a_plain_zarr_group_with_the_same_values(filled: Path, make_analysis: MakeAnalysis) -> None:
    series = make_series(filled)
    assert series.path.name == "tiny.series.zarr"
    assert (series.shape, len(series.chunks)) == ((20, 3, 3), 12)
    with xr.open_zarr(series.path, consolidated=True) as plain:
        xr.testing.assert_equal(plain.compute(), make_analysis()[["msl", "t2m"]])
    assert read_series(filled, Ledger.read(filled).identity()) == series
    assert series_faults(filled) == ()


def test_an_older_twin_is_refused_and_made_again(
    filled: Path, entry: DatasetEntry, make_analysis: MakeAnalysis
) -> None:
    identity = Ledger.read(filled).identity()
    assert series_faults(filled) == ()  # there is none
    with pytest.raises(MissingDataError, match="expected a twin for point series, found none; 'plumecast archive rech"):
        read_series(filled, identity)
    make_series(filled)
    ingest(entry, make_analysis(times=21), filled)
    assert series_faults(filled) == ()  # it is old, not damaged
    with pytest.raises(
        MissingDataError, match=r"expected a twin of the archive as it is.*rechunk tiny' makes it again"
    ):
        read_series(filled, Ledger.read(filled).identity())
    assert make_series(filled).shape[0] == 21
    assert series_faults(filled) == ()
    assert not [path.name for path in filled.parent.iterdir() if path.name.endswith(".partial")]


@pytest.mark.parametrize("name", ["msl/c.0.1.2", "time/c.0", "zarr.json", "series.jsonl"])
@pytest.mark.parametrize("damage", ["delete", "flip", "append"])
def test_damages_are_found_and_mended_to_the_byte(
    filled: Path, entry: DatasetEntry, make_analysis: MakeAnalysis, name: str, damage: str
) -> None:
    make_series(filled)
    path = series_path(filled) / name
    whole = path.read_bytes()
    flipped = bytes([*whole[:40], whole[40] ^ 1, *whole[41:]])
    path.write_bytes(flipped if damage == "flip" else whole + b"more")
    if damage == "delete":
        path.unlink()
    (fault,) = series_faults(filled)
    assert name in fault
    assert heal_archive(entry, filled, make_analysis) == (without_advice(fault),)
    assert path.read_bytes() == whole
    assert series_faults(filled) == ()


def test_a_damaged_archive_has_no_twin(filled: Path) -> None:
    (filled / "t2m" / "c.1.0.0").write_bytes(b"")
    with pytest.raises(InvalidDataError, match=r"t2m/c\.1\.0\.0"):
        make_series(filled)
    assert not series_path(filled).exists()
    assert not np.any([path.name.endswith(".partial") for path in filled.parent.iterdir()])
