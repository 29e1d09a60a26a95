"""Archives round-trip, and every chunk is checked."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import InvalidDataError, MissingDataError

MakeAnalysis = Callable[..., xr.Dataset]


def test_a_damaged_static_field_is_an_error(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    ingest(entry, make_analysis(), archive)
    file = archive / "lsm" / "c.0.0"
    content = bytearray(file.read_bytes())
    content[-10] ^= 1
    file.write_bytes(content)
    with pytest.raises(InvalidDataError, match=r"lsm/c\.0\.0: lsm: expected"):
        open_archive(archive)
    assert any("lsm" in fault for fault in inspect_archive(archive).faults)


def test_reading_during_an_ingest_finds_no_fault(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    whole = make_analysis(times=20)
    ingest(entry, whole.isel(time=slice(0, 12)), archive)
    opened = open_archive(archive)
    ingest(entry, whole, archive)  # replaces the chunk that holds times 8 to 11
    xr.testing.assert_equal(opened.compute(), whole.isel(time=slice(0, 12)))


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        (np.linspace(-90, 90, 7), np.arange(0.0, 360.0, 30.0)),
        (np.arange(30.0, 70.1, 10.0), np.arange(-70.0, 10.1, 10.0)),
        (np.array([45.0]), np.array([3.0])),
    ],
    ids=["pole points", "region", "one point"],
)
def test_any_grid_can_be_archived(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, latitude: np.ndarray, longitude: np.ndarray
) -> None:
    analysis = make_analysis(times=3, latitude=latitude, longitude=longitude)
    ingest(entry, analysis, archive)
    xr.testing.assert_identical(open_archive(archive).compute().drop_attrs(deep=False), analysis)


def test_an_archive_without_times_is_missing_data(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="expected an archive"):
        open_archive(tmp_path / "absent.zarr")
    assert dataset("speedy-5p6").name == "speedy-5p6"
