"""From the levels of the model to those of the dataset, against atmospheres whose answers are known."""

import numpy as np
import pytest

from data_catalog.bundled import SPEEDY_MSL_CORRECTION
from data_catalog.sources.speedy.diagnosis import CHANNELS, STATIC, analysis_of
from data_catalog.sources.speedy.simulation import times_of
from tests.data_catalog.sources.speedy.stand_in import COLUMNS, LEVELS, ROWS, TIMES, fields_of

GRAVITY, GAS, COLD = 9.81, 287.0, 250.0


def isothermal() -> dict[str, np.ndarray]:
    """An atmosphere of one temperature above flat ground, whose winds grow with the logarithm of pressure."""
    fields = fields_of(0.0)
    shape = (TIMES, LEVELS, COLUMNS, ROWS)
    log_sigma = np.log(fields["sigma"])[None, :, None, None]
    return fields | {
        "temperature": np.full(shape, COLD, np.float32),
        "geopotential": np.broadcast_to(-GAS * COLD * log_sigma, shape).astype(np.float32),
        "surface_pressure": np.full((TIMES, COLUMNS, ROWS), 100000.0, np.float32),
        "u": np.broadcast_to(20 + 5 * log_sigma, shape).astype(np.float32),
    }


def test_an_isothermal_atmosphere_has_the_heights_of_the_barometric_formula() -> None:
    found = analysis_of(isothermal(), times_of(0))
    assert list(found.data_vars) == [*CHANNELS, *STATIC]
    assert found["z500"].dims == ("time", "latitude", "longitude")
    height = GAS * COLD / GRAVITY * np.log(2.0)
    np.testing.assert_allclose(found["z500"], height * 9.80665, rtol=1e-5)
    np.testing.assert_allclose(found["t850"], COLD, rtol=1e-5)
    np.testing.assert_allclose(found["u850"], 20 + 5 * np.log(0.85), rtol=1e-4)
    np.testing.assert_allclose(found["u250"], 20 + 5 * np.log(0.25), rtol=1e-4)
    correction = np.load(SPEEDY_MSL_CORRECTION)
    np.testing.assert_allclose(found["msl"], np.broadcast_to(100000.0 + correction, found["msl"].shape), rtol=1e-6)
    assert 0 < np.abs(correction).max() < 15000


@pytest.mark.parametrize("name", ["u850", "q850"])
def test_winds_and_humidity_below_the_lowest_level_stay_as_they_are_there(name: str) -> None:
    fields = isothermal() | {"surface_pressure": np.full((TIMES, COLUMNS, ROWS), 80000.0, np.float32)}
    found = analysis_of(fields, times_of(0))
    lowest = {"u850": fields["u"][0, -1, 0, 0], "q850": fields["humidity"][:, -1].mean()}[name]
    np.testing.assert_allclose(float(found[name].mean()), lowest, rtol=2e-2)


def test_temperature_below_the_ground_rises_and_mountains_have_a_sea_level() -> None:
    height = 2000.0
    fields = isothermal() | {
        "surface_pressure": np.full((TIMES, COLUMNS, ROWS), 78000.0, np.float32),
        "surface_geopotential": np.full((COLUMNS, ROWS), height * GRAVITY, np.float32),
    }
    found = analysis_of(fields, times_of(0))
    assert float(found["t850"].min()) > COLD + 3
    pressure = (found["msl"] - np.load(SPEEDY_MSL_CORRECTION)).mean()
    expected = 78000.0 * np.exp(GRAVITY * height / (GAS * (COLD + 0.0065 * height / 2)))
    np.testing.assert_allclose(float(pressure), expected, rtol=5e-3)
    np.testing.assert_allclose(found["orography"], height, rtol=1e-6)
