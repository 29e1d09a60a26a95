"""Smooth simulated weather, in which faults are planted."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from data_catalog.bundled import SPEEDY_SAMPLE
from data_catalog.quality.fields import Fields

MakeFields = Callable[..., Fields]


@pytest.fixture(scope="session")
def weather() -> Fields:
    """100 days of the bundled simulated weather, in five channels on a part of the globe."""
    with xr.open_dataset(SPEEDY_SAMPLE) as opened:
        chosen = opened.isel(time=slice(0, 100), latitude=slice(17, 31), longitude=slice(0, 24)).load()
    names = ("z500", "t850", "msl", "u850", "tp24")
    return Fields(
        chosen["time"].values,
        chosen["latitude"].values.astype(float),
        chosen["longitude"].values.astype(float),
        {name: chosen[name].values.astype(np.float32) for name in names},
        {name: chosen[name].values for name in ("orography", "lsm")},
        24,
    )


@pytest.fixture
def make_fields() -> MakeFields:
    """A function that makes fields of given values, (time, latitude, longitude) by channel."""

    def make(step_hours: int = 24, **values: np.ndarray) -> Fields:
        count, rows, columns = next(iter(values.values())).shape
        times = np.datetime64("2001-01-01", "ns") + np.arange(count) * np.timedelta64(step_hours, "h")
        latitude, longitude = np.linspace(30, 60, rows), np.linspace(0, 40, columns)
        single = {name: one.astype(np.float32) for name, one in values.items()}
        return Fields(times, latitude, longitude, single, {}, step_hours)

    return make
