"""A short campaign on a part of the bundled weather."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.bundled import SPEEDY_SAMPLE
from data_catalog.layout.canonical import canonicalise
from data_catalog.quality.fields import Fields
from tests.planted_faults.campaign import clean_rates, fields_of, is_found, plant, suspicions
from tests.planted_faults.faults import FAULTS

ALWAYS_FOUND = {
    "offset: a point": 10, "offset: a field": 10, "noise: a field": 5, "frozen: a channel": 3,
    "frozen: half of a field": 1,
    "copy of an earlier day: all": 40, "z500 + 3000": 0, "t850 + 15 K": 1,
    "rows filled with the mean": 0.25,
}  # fmt: skip


@pytest.fixture(scope="module")
def weather() -> Fields:
    with xr.open_dataset(SPEEDY_SAMPLE) as opened:
        names = ["z500", "t850", "msl"]
        part = opened[names].isel(time=slice(0, 100), latitude=slice(20, 30), longitude=slice(0, 16)).load()
    return fields_of(canonicalise(part), 24)


def test_clean_weather_is_good(weather: Fields) -> None:
    assert clean_rates(weather, None) == (0, 0, 300)


@pytest.mark.parametrize("name", list(ALWAYS_FOUND))
def test_gross_faults_are_found(weather: Fields, name: str) -> None:
    planted = plant(FAULTS[name], ALWAYS_FOUND[name], 0, weather)
    assert planted is not None
    assert is_found(planted, suspicions(planted.fields, None))


@pytest.mark.parametrize("name", list(FAULTS))
def test_every_kind_changes_what_it_says(weather: Fields, name: str) -> None:
    fault = FAULTS[name]
    planted = plant(fault, fault.sizes[0], 1, weather)
    if planted is None or planted.channels[0] in ("lsm", "orography"):
        return
    for channel in planted.channels:
        before = weather.values[channel][np.isin(weather.times, planted.fields.times)]
        differs = (planted.fields.values[channel] != before).any(axis=(1, 2))
        assert differs.any()
        assert set(np.flatnonzero(differs)) <= set(planted.times.tolist())
