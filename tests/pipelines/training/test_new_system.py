"""A system file is written that can be read and trained, and is never overwritten."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.layout.cells import Cells
from pipelines.training.new_system import Weather, known_weather, system_text, write_new_system
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system

EUROPE = Cells(np.linspace(30.0, 55.0, 11), np.linspace(-15.0, 15.0, 13))
GLOBE = Cells(np.linspace(-87.1875, 87.1875, 32), np.arange(64) * 5.625)


@pytest.mark.parametrize(("cells", "lead_days"), [(EUROPE, 7), (GLOBE, 10)])
@pytest.mark.parametrize("step_hours", [6, 24, 48])
def test_any_dataset_gets_a_system(tmp_path: Path, cells: Cells, lead_days: int, step_hours: int) -> None:
    entry = dataset("speedy-5p6").model_copy(update={"step_hours": step_hours})
    text = system_text(entry, "own", Weather(cells, date(2000, 1, 1), date(2008, 12, 31)), cores=4)
    path = tmp_path / "own.toml"
    path.write_text(text)
    system = find_system(str(path))
    assert (system.dataset, system.state.step_hours) == ("speedy-5p6", step_hours)
    assert system.state.predictands == entry.channels
    assert system.forecast.lead_days * 24 % step_hours == 0
    assert abs(system.forecast.lead_days - lead_days) * 24 < step_hours
    assert max(system.products.map_lead_days) <= system.forecast.lead_days


def test_channels_that_may_be_missing_are_left_out() -> None:
    weather = Weather(EUROPE, date(2000, 1, 1), date(2008, 12, 31))
    entry = DatasetEntry.model_validate(dataset("era5-5p6").model_dump() | {"name": "sea", "channels": ("sst", "msl")})
    assert 'predictands = ["msl"]  # channels that are forecast  # without sst' in system_text(entry, "sea", weather, 1)
    with pytest.raises(InvalidDataError, match="sea: expected a channel without missing values to forecast, found sst"):
        system_text(entry.model_copy(update={"channels": ("sst",)}), "sea", weather, 1)


def test_a_shipped_dataset_gets_a_system_of_another_name(tmp_path: Path) -> None:
    path = write_new_system(Home(tmp_path), dataset("era5-5p6"), tmp_path / "x.toml")
    system = find_system(str(path))
    assert system.name == "own-era5-5p6"
    assert system.periods.test.end == date(2023, 1, 10)
    with pytest.raises(ConfigurationError, match=r"x\.toml: expected no file, found one"):
        write_new_system(Home(tmp_path), dataset("era5-5p6"), path)
    with pytest.raises(ConfigurationError, match="--name: expected one that no shipped system has"):
        write_new_system(Home(tmp_path), dataset("era5-5p6"), tmp_path / "y.toml", "speedy-5p6")


def test_the_days_are_those_of_the_data(tmp_path: Path) -> None:
    found = known_weather(Home(tmp_path), dataset("speedy-5p6"))
    assert (found.first, found.last) == (date(2008, 1, 1), date(2008, 12, 31))
    assert found.cells.is_global
    with pytest.raises(MissingDataError, match="make it with 'plumecast ingest ncep-natlantic'"):
        known_weather(Home(tmp_path), dataset("ncep-natlantic"))
