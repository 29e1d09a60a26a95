"""Weather that a linear anchor can partly predict."""

import numpy as np
import pytest
import torch

from forecast.sphere.grid import Grid

GRID = Grid(np.linspace(-78.75, 78.75, 8), np.arange(16) * 22.5)


def waves_of(count, channels=2, seed=0):
    """Waves that move east by a tenth of a circle per step, and noise."""
    generator = torch.Generator().manual_seed(seed)
    step = torch.arange(count)[:, None, None, None] * 2 * np.pi / 10
    longitude = torch.from_numpy(np.deg2rad(GRID.longitude)).float()
    latitude = torch.from_numpy(np.cos(np.deg2rad(GRID.latitude))).float()[:, None]
    phase = torch.rand(1, channels, 1, 1, generator=generator) * 6
    wave = latitude**2 * torch.cos(2 * longitude - step + phase)
    return (wave + 0.1 * torch.randn(count, channels, 8, 16, generator=generator)).float()


@pytest.fixture
def globe():
    return GRID


@pytest.fixture
def waves():
    """Makes states, (count, 2, 8, 16)."""
    return waves_of


@pytest.fixture
def starts_of():
    """Returns the indices of two past states and the next one, for each sample of a number of states."""
    return lambda count: torch.arange(count - 2)[:, None] + torch.arange(3)


@pytest.fixture
def scalars():
    """Returns scalar conditions of a number of samples; linear anchors do not use them."""
    return lambda count: torch.zeros(count, 7)
