"""The data of a catalogue entry, on the requested days."""

import sys
from datetime import date
from importlib.metadata import EntryPoint
from types import ModuleType

import numpy as np
import pytest
import xarray as xr

from data_catalog.catalog import SOURCE_GROUP, DatasetEntry, GridAxes, dataset, source_names
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.layout.cells import row_areas
from data_catalog.sources.open_source import open_source


def test_both_end_days_are_included() -> None:
    chosen = open_source(dataset("speedy-5p6"), start=date(2008, 2, 28), end=date(2008, 3, 1))
    assert chosen["time"].dt.day.values.tolist() == [28, 29, 1]


def test_days_outside_the_source() -> None:
    with pytest.raises(MissingDataError, match="expected times from 2009-01-01"):
        open_source(dataset("speedy-5p6"), start=date(2009, 1, 1))
    with pytest.raises(InvalidDataError, match="expected times to 2007-01-01"):
        open_source(dataset("speedy-5p6"), end=date(2007, 1, 1))


def test_a_dataset_without_location_needs_one() -> None:
    with pytest.raises(ConfigurationError, match="ncep-natlantic: expected the location of its data"):
        open_source(dataset("ncep-natlantic"))


def plugged(monkeypatch: pytest.MonkeyPatch, value: str) -> DatasetEntry:
    """A dataset of the source `tables` of another package."""
    point = EntryPoint("tables", value, SOURCE_GROUP)

    def found(*, group: str, name: str = "tables") -> tuple[EntryPoint, ...]:
        return (point,) if (group, name) == (SOURCE_GROUP, "tables") else ()

    monkeypatch.setattr("data_catalog.catalog.entry_points", found)
    monkeypatch.setattr("data_catalog.sources.open_source.entry_points", found)
    return dataset("ncep-natlantic").model_copy(
        update={"source": "tables", "location": "/tables", "channels": ("msl",)}
    )


def open_tables(
    location: str, channels: tuple[str, ...], static: tuple[str, ...], *, step_hours: int
) -> xr.Dataset | None:
    """The source of another package: it reads, names are as they come; nothing where there is no table."""
    if step_hours != 24:
        return None
    field = ("time", "lat", "lon"), np.full((2, 2, 2), 1010.0), {"units": "hPa"}
    places = {"time": np.array(["2001-01-01", "2001-01-02"], "M8[ns]"), "lat": [60.0, 50.0], "lon": [0.0, 10.0]}
    return xr.Dataset({"slp": field, "noise": field}, places)


def test_a_source_of_another_package_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = plugged(monkeypatch, f"{__name__}:open_tables")
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, ModuleType(__name__)))
    monkeypatch.setattr(sys.modules[__name__], "open_tables", open_tables, raising=False)
    assert "tables" in source_names()
    analysis = open_source(entry)
    assert set(analysis) == {"msl"}
    assert analysis["msl"].attrs["units"] == "Pa"
    assert analysis["latitude"].values.tolist() == [50.0, 60.0]
    with pytest.raises(ConfigurationError, match="expected a Dataset of source 'tables', found NoneType"):
        open_source(entry.model_copy(update={"step_hours": 6}))


def test_a_source_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = plugged(monkeypatch, "no_such_package:opened")
    with pytest.raises(ConfigurationError, match=r"source 'tables': expected no_such_package:opened, found No module"):
        open_source(entry)
    with pytest.raises(ConfigurationError, match=r"expected one of files, .* found 'others'; install the package"):
        open_source(entry.model_copy(update={"source": "others"}))


def test_a_source_on_another_grid_is_regridded_where_the_dataset_says_how() -> None:
    entry = dataset("speedy-5p6")
    grid = GridAxes(latitude=(-75.0, 75.0, 6), longitude=(0.0, 300.0, 6))
    coarse = entry.model_copy(update={"grid": grid, "regrid": "conservative"})
    day = date(2008, 2, 28)
    fine, found = open_source(entry, start=day, end=day), open_source(coarse, start=day, end=day)
    assert found["z500"].shape == (1, 6, 6)
    assert found["z500"].chunks is not None
    means = [
        float((one["z500"].mean("longitude")[0] * row_areas(one["latitude"].values)).mean()) for one in (fine, found)
    ]
    assert means[1] == pytest.approx(means[0], rel=1e-6)
    assert "regrid_method" not in open_source(entry, start=day, end=day).attrs
