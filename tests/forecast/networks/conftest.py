"""Grids and networks of every kind."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from forecast.networks.from_settings import build_network
from forecast.networks.interface import NetworkInterface
from forecast.sphere.grid import Grid
from forecast.system.network import DiTSettings, UNetSettings

GRIDS = {
    "globe": Grid(np.linspace(-84.375, 84.375, 16), np.arange(32) * 11.25),
    "globe-with-poles": Grid(np.linspace(-90, 90, 17), np.arange(32) * 11.25),
    "region": Grid(np.linspace(30, 70, 17), np.linspace(-70, 10, 33)),
    "small-region": Grid(np.linspace(30, 70, 5), np.linspace(-70, 10, 7)),
}
TRANSFORMER = {"kind": "dit", "patch": 2, "width": 16, "depth": 2, "heads": 2, "expansion": 2}
SETTINGS = {
    "unet": UNetSettings(patch=2, widths=(8, 16), blocks=1),
    "dit": DiTSettings.model_validate(TRANSFORMER),
    "dit-windowed": DiTSettings.model_validate(TRANSFORMER | {"window": (4, 4)}),
}


@pytest.fixture(params=list(GRIDS))
def grid(request: pytest.FixtureRequest) -> Grid:
    return GRIDS[request.param]


@pytest.fixture(params=["globe", "globe-with-poles"])
def any_globe(request: pytest.FixtureRequest) -> Grid:
    return GRIDS[request.param]


@pytest.fixture
def globe() -> Grid:
    return GRIDS["globe"]


@pytest.fixture
def region() -> Grid:
    return GRIDS["region"]


@pytest.fixture(params=list(SETTINGS))
def settings(request: pytest.FixtureRequest) -> UNetSettings | DiTSettings:
    return SETTINGS[request.param]


@pytest.fixture
def interface() -> Callable[[Grid], NetworkInterface]:
    """Three inputs, the second one odd, and one scalar; two outputs."""
    return lambda grid: NetworkInterface(grid=grid, polar_sign=torch.tensor([1.0, -1.0, 1.0]), outputs=2, scalars=1)


@pytest.fixture
def network(interface):
    """Makes a network whose weights are all random."""

    def make(grid, settings):
        torch.manual_seed(0)
        made = build_network(interface(grid), settings)
        for parameter in made.parameters():  # some start at zero; make them say something
            torch.nn.init.normal_(parameter, std=0.2)
        return made.eval()

    return make


@pytest.fixture
def inputs():
    """Makes maps, noise labels and scalars."""

    def make(grid, batch=1):
        generator = torch.Generator().manual_seed(1)
        return torch.randn(batch, 3, *grid.shape, generator=generator), torch.zeros(batch), torch.zeros(batch, 1)

    return make
