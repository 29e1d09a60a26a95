"""Of yearly files only those of a period are opened, unless their names tell something else."""

from datetime import date
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.catalog import DatasetEntry
from data_catalog.sources import files
from data_catalog.sources.open_source import open_source
from data_catalog.sources.yearly_names import of_years, year_of
from tests.data_catalog.conftest import MakeAnalysis


def test_the_year_in_a_name() -> None:
    names = ["speedy_2001.nc", "air.2001.nc", "a-2001-07.nc", "s3://b/2001/x_1999.grib"]
    assert [year_of(name) for name in names] == [2001, 2001, 2001, 1999]
    assert [year_of(name) for name in ("a.nc", "a_2001_2008.nc", "a20010101.nc", "run12001.nc")] == [None] * 4


def test_files_of_the_years_beside_and_of_no_year_are_kept() -> None:
    places = [Path(f"a_{year}.nc") for year in range(2000, 2010)] + [Path("static.nc")]
    kept = [path.name for path in of_years(places, (2004, 2005))]
    assert kept == [f"a_{year}.nc" for year in (2000, 2003, 2004, 2005, 2006, 2009)] + ["static.nc"]
    assert of_years(places, (1990, 1991)) == places


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are opened."""
    found: list[str] = []
    original = files.open_netcdf

    def noted(path: Path, *, ensemble: bool = False) -> xr.Dataset:
        found.append(path.name)
        return original(path, ensemble=ensemble)

    monkeypatch.setattr(files, "open_netcdf", noted)
    return found


def test_a_day_opens_the_files_of_its_year(
    make_analysis: MakeAnalysis, entry: DatasetEntry, tmp_path: Path, opened: list[str]
) -> None:
    for year in range(1999, 2008):
        make_analysis(start=f"{year}-01-01", times=5).to_netcdf(tmp_path / f"x_{year}.nc", engine="netcdf4")
    day = date(2005, 1, 3)
    found = open_source(entry, str(tmp_path), day, day)
    assert found["time"].values.astype("M8[D]").astype(str).tolist() == ["2005-01-03"]
    assert opened == [f"x_{year}.nc" for year in (1999, 2004, 2005, 2006, 2007)]
    opened.clear()
    open_source(entry, str(tmp_path), day, None)
    assert len(opened) == 6


def test_names_that_tell_something_else_are_seen(
    make_analysis: MakeAnalysis, entry: DatasetEntry, tmp_path: Path, opened: list[str]
) -> None:
    for number, year in enumerate((2005, 2015)):
        start = f"2005-01-{1 + 5 * number:02d}"
        make_analysis(start=start, times=5).to_netcdf(tmp_path / f"run_{year}.nc", engine="netcdf4")
    assert open_source(entry, str(tmp_path), date(2005, 1, 3), date(2005, 1, 8)).sizes["time"] == 5 + 1
