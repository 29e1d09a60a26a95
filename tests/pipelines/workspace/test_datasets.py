"""Datasets by name, in the home directory and by path."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel
from pipelines.workspace.datasets import declare_variables, find_dataset, is_simulated, known_names
from pipelines.workspace.home import Home

TEXT = """
name = "mine"
title = "My weather"
source = "files"
channels = ["smoke"]
step_hours = 24
period_start = 2001-01-01
licence = "CC0"
simulated = true
description = "Weather of mine."
[variables.smoke]
units = "kg m-3"
"""


@pytest.fixture
def own_home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.datasets.mkdir(parents=True)
    (home.datasets / "mine.toml").write_text(TEXT)
    return home


def test_datasets_of_the_home_and_of_a_path(own_home: Home, tmp_path: Path) -> None:
    assert known_names(own_home)[-1] == "mine"
    assert find_dataset(own_home, "mine").title == "My weather"
    assert find_dataset(own_home, "speedy-5p6").is_shipped
    beside = tmp_path / "other.toml"
    beside.write_text(TEXT.replace('"mine"', '"other"'))
    assert find_dataset(own_home, str(beside)).name == "other"
    with pytest.raises(
        ConfigurationError, match=r"expected one of .*era5-0p25, gfs-0p25, ifs-0p25, mine, found 'other'"
    ):
        find_dataset(own_home, "other")
    with pytest.raises(ConfigurationError, match="expected a readable file"):
        find_dataset(own_home, str(tmp_path / "absent.toml"))


def test_variables_of_the_home_are_declared_for_foreign_files(own_home: Home) -> None:
    (own_home.datasets / "broken.toml").write_text("name = ")
    declare_variables(own_home)
    assert channel("smoke").variable.units == "kg m-3"


def test_simulated_weather_is_known_as_such(own_home: Home) -> None:
    assert is_simulated(own_home, "mine")
    assert not is_simulated(own_home, "era5-5p6")
    assert not is_simulated(own_home, "None")
