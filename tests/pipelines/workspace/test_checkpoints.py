"""Checkpoints are found in the home before the package, without opening them."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.system import System
from pipelines.workspace.checkpoints import (
    find_baselines,
    find_checkpoint,
    find_own_checkpoint,
    has_checkpoint,
    shipped_checkpoint,
)
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system


@pytest.fixture
def system(tiny: Path) -> System:
    return find_system(str(tiny))


def test_given_before_own_before_shipped_checkpoints(place: Home, system: System, tiny_checkpoint: Path) -> None:
    assert find_checkpoint(place, system) == place.checkpoint("tiny")
    assert find_checkpoint(place, system, tiny_checkpoint) == tiny_checkpoint
    shipped = find_system("speedy-5p6")
    assert find_checkpoint(place, shipped) == shipped_checkpoint("speedy-5p6")
    assert has_checkpoint(place, "speedy-5p6")
    assert not has_checkpoint(place, "era5-5p6")
    with pytest.raises(ConfigurationError, match="train one with 'plumecast train tiny'"):
        find_checkpoint(Home(place.root / "empty"), system)


def test_no_card_is_put_beside_the_shipped_checkpoint(place: Home, system: System) -> None:
    assert find_own_checkpoint(place, system) == place.checkpoint("tiny")
    with pytest.raises(ConfigurationError, match="found only the shipped one"):
        find_own_checkpoint(place, find_system("speedy-5p6"))


def test_baselines_lie_beside_the_checkpoint(place: Home, tmp_path: Path) -> None:
    assert find_baselines(place.checkpoint("tiny")).is_file()
    with pytest.raises(ConfigurationError, match=r"expected baselines\.nc, found none"):
        find_baselines(tmp_path)
