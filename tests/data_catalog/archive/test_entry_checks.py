"""Data of another region, step or period is no part of a dataset."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.entry_checks import check_belongs
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry, GridAxes
from data_catalog.errors import InvalidDataError
from data_catalog.statistics.regridding import regrid
from tests.data_catalog.conftest import MakeAnalysis

NONE = np.array([], "datetime64[ns]")
GRID = GridAxes(latitude=(-67.5, 67.5, 4), longitude=(0.0, 315.0, 8))


@pytest.fixture
def bounded(entry: DatasetEntry) -> DatasetEntry:
    """The tiny dataset, with its grid and a last day."""
    return entry.model_copy(update={"grid": GRID, "period_end": date(2001, 12, 31)})


def belongs(entry: DatasetEntry, analysis: xr.Dataset, archived: np.ndarray = NONE) -> None:
    check_belongs(entry, analysis, lambda: archived, where="tiny")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"latitude": np.linspace(-60.0, 60.0, 4)},
            r"grid of the dataset: expected latitude -67\.5 at index 0, found -60",
        ),
        (
            {"longitude": np.arange(0.0, 60.0, 7.5)},
            "grid of the dataset: expected longitude 315 at index 7, found 52.5",
        ),
        ({"latitude": np.linspace(-80.0, 80.0, 9)}, "expected 4 values of latitude, found 9"),
        ({"step_hours": 720}, "expected times every 24 h, found steps of 720 h"),
        ({"step_hours": 48, "times": 2}, "expected times every 24 h, found steps of 48 h"),
        ({"step_hours": 18}, "expected a step of 24 h, found 18 h"),
        (
            {"start": "2000-12-31"},
            r"expected times from 2001-01-01 to 2001-12-31, .* found 2000-12-31T00:00Z \(1 outside\)",
        ),
        (
            {"start": "2001-12-31T12:00", "times": 3},
            r"found 2002-01-01T12:00Z \(2 outside\); choose times with --start",
        ),
    ],
)
def test_other_data_is_refused(
    bounded: DatasetEntry, make_analysis: MakeAnalysis, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidDataError, match=message):
        ingest(bounded, make_analysis(**changes), tmp_path / "tiny.zarr")
    assert not (tmp_path / "tiny.zarr").exists()


def test_its_own_data_belongs(bounded: DatasetEntry, make_analysis: MakeAnalysis) -> None:
    belongs(bounded, make_analysis())
    belongs(bounded, make_analysis(times=1))
    belongs(bounded, make_analysis(step_hours=12))
    belongs(bounded, make_analysis().isel(time=[0, 1, 7, 19]))
    belongs(bounded.model_copy(update={"period_end": None}), make_analysis(start="2031-01-01"))


def test_few_days_may_fill_holes_of_an_archive(bounded: DatasetEntry, make_analysis: MakeAnalysis) -> None:
    whole = make_analysis()
    days = whole["time"].values
    belongs(bounded, whole.isel(time=[3, 8, 12]), np.delete(days, [3, 8, 12]))
    with pytest.raises(InvalidDataError, match="found steps of 120 h and more at 2001-01-18"):
        belongs(bounded, whole.isel(time=[7, 12, 17]), days[:12])


def test_a_day_that_is_missing_stops_no_archive(bounded: DatasetEntry, make_analysis: MakeAnalysis) -> None:
    """A scheduled ingest asks for the last archived time and later ones; the source lacks the day between."""
    whole = make_analysis()
    days = whole["time"].values
    belongs(bounded, whole.isel(time=[11, 13]), days[:12])
    with pytest.raises(InvalidDataError, match="found steps of 48 h and more at 2001-01-16"):
        belongs(bounded, whole.isel(time=[11, 13, 15]), days[:12])


def test_a_grid_of_rounded_coordinates_is_the_same(bounded: DatasetEntry, make_analysis: MakeAnalysis) -> None:
    belongs(bounded, make_analysis(latitude=np.linspace(-67.5, 67.5, 4).astype(np.float32) + 1e-5))


def test_the_way_out_of_another_grid_is_said(bounded: DatasetEntry, make_analysis: MakeAnalysis) -> None:
    with pytest.raises(InvalidDataError, match=r'regrid = "conservative" .* in the dataset file brings it there'):
        belongs(bounded, make_analysis(latitude=np.linspace(-60.0, 60.0, 4)))


def test_an_archive_holds_values_of_one_origin(
    bounded: DatasetEntry, make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    fine = make_analysis(latitude=np.linspace(-85, 85, 18), longitude=np.arange(0, 360, 10.0))
    latitude, longitude = GRID.coordinates()
    archive = tmp_path / "tiny.zarr"
    ingest(bounded, regrid(fine.isel(time=slice(9)), latitude, longitude, "conservative"), archive)
    opened = open_archive(archive)
    assert opened.attrs["regrid_method"] == "conservative"
    assert opened.attrs["source_grid"] == "regular, 18 x 36 points, latitude -85 to 85, longitude 0 to 350"
    assert ingest(bounded, regrid(fine, latitude, longitude, "conservative"), archive).added == 11
    with pytest.raises(InvalidDataError, match="regrid_method: expected 'conservative', as archived, found 'nearest'"):
        ingest(bounded, regrid(fine, latitude, longitude, "nearest"), archive)
    with pytest.raises(InvalidDataError, match="regrid_method: expected 'conservative', as archived, found 'none'"):
        ingest(bounded, make_analysis(), archive)
    other = fine.isel(longitude=slice(None, None, 2))
    with pytest.raises(InvalidDataError, match=r"source_grid: expected 'regular, 18 x 36 .* found 'regular, 18 x 18"):
        ingest(bounded, regrid(other, latitude, longitude, "conservative"), archive)
