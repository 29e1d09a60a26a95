"""Finding the analyses of a system."""

from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.system.reading import parse_system
from forecast.system.system import System
from pipelines.workspace.analyses import find_analysis, find_globe, open_globe, open_system_analysis, scalar
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system


@pytest.fixture
def system(tiny: Path) -> System:
    return find_system(str(tiny))


def pretrained(system: System, start: str, end: str) -> System:
    content = system.model_dump(mode="json")
    content["pretraining"] = {"dataset": "speedy-5p6", "period": {"start": start, "end": end}}
    return parse_system(content, origin="test")


def test_an_archive_that_is_not_there(place: Home, system: System, weather_file: Path) -> None:
    assert find_analysis(place, system, weather_file) == weather_file
    with pytest.raises(MissingDataError, match="make it with 'plumecast ingest speedy-5p6' or name a file"):
        find_analysis(place, system)
    place.archive("speedy-5p6").mkdir(parents=True)
    assert find_analysis(place, system) == place.archive("speedy-5p6")


def test_the_archive_of_a_pretraining(place: Home, system: System) -> None:
    assert find_globe(place, system) is None
    early = pretrained(system, "2007-01-01", "2007-12-31")
    with pytest.raises(MissingDataError, match="which system tiny is pretrained on"):
        find_globe(place, early)
    place.archive("speedy-5p6").mkdir(parents=True)
    assert find_globe(place, early) == place.archive("speedy-5p6")
    with pytest.raises(ConfigurationError, match="expected days outside the test period"):
        find_globe(place, pretrained(system, "2008-02-01", "2008-12-31"))


def test_opened_channels(system: System, weather_file: Path) -> None:
    assert list(open_system_analysis(weather_file, system)) == ["msl", "t2m", "orography"]
    assert list(open_globe(weather_file, system)) == ["msl", "t2m"]


def test_the_time_of_a_scalar_coordinate(system: System, weather_file: Path) -> None:
    time = open_system_analysis(weather_file, system)["time"].isel(time=0)
    assert scalar(time) == np.datetime64("2007-01-01T00", "ns")
