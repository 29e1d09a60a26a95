"""Weather of two channels with a season and a known memory, and baselines fitted to it."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification.baselines.fitted import Baselines
from forecast.verification.baselines.fitting import fit_baselines

DAY = np.timedelta64(1, "D")
PERIOD = (np.datetime64("2001-01-01"), np.datetime64("2006-12-31"))


def red_noise_weather(years: int = 7) -> xr.Dataset:
    """Two channels: a season, and patterns that forget at known rates."""
    rng = np.random.default_rng(0)
    times = np.datetime64("2001-01-01", "ns") + np.arange(int(365.25 * years)) * DAY
    latitude, longitude = np.linspace(-75, 75, 6), np.arange(0, 360, 30.0)
    patterns = rng.normal(size=(5, 6, 12))
    memory = np.array([0.95, 0.9, 0.8, 0.6, 0.3])
    state, states = np.zeros((2, 5)), np.empty((len(times), 2, 5))
    for index in range(len(times)):
        state = state * memory + np.sqrt(1 - memory**2) * rng.normal(size=(2, 5))
        states[index] = state
    season = np.cos(2 * np.pi * np.arange(len(times)) / 365.25)[:, None, None, None]
    fields = np.einsum("tce,eyx->ctyx", states, patterns).transpose(1, 0, 2, 3)
    fields = fields + 0.5 * rng.normal(size=fields.shape) + 5 * season
    coords = {"time": times, "latitude": latitude, "longitude": longitude}
    dims = ("time", "latitude", "longitude")
    scale = {"msl": (101325.0, 300.0, "Pa"), "t850": (275.0, 4.0, "K")}
    return xr.Dataset(
        {
            name: (dims, (offset + factor * fields[:, index]).astype(np.float32), {"units": units})
            for index, (name, (offset, factor, units)) in enumerate(scale.items())
        },
        coords=coords,
    )


@pytest.fixture(scope="session")
def weather() -> xr.Dataset:
    return red_noise_weather()


@pytest.fixture(scope="session")
def baselines(weather: xr.Dataset) -> Baselines:
    return fit_baselines(weather, PERIOD, step_hours=24, eofs=10)


@pytest.fixture
def make_weather() -> Callable[..., xr.Dataset]:
    """Call it with a number of `years` from 2001 on."""
    return red_noise_weather
