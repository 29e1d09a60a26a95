"""The built-in table agrees with itself and with CF."""

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.quantities import Variable
from data_catalog.layout.units import is_unit, linear
from data_catalog.layout.variable_table import TABLE
from tests.foreign import truth

EXPECTED = (
    "z t u v q w r t2m d2m u10 v10 u100 v100 msl sp tp1 tp3 tp6 tp12 tp24 tcwv sst siconc swvl1 cape ssrd i10fg tcc"
)
CF_UNITS = {
    "relative_humidity": "1",
    "atmosphere_mass_content_of_water_vapor": "kg m-2",
    "cloud_area_fraction": "1",
    "sea_ice_area_fraction": "1",
    "atmosphere_convective_available_potential_energy": "J kg-1",
    "integral_wrt_time_of_surface_downwelling_shortwave_flux_in_air": "W s m-2",
    "wind_speed_of_gust": "m s-1",
    "volume_fraction_of_condensed_water_in_soil": "1",
    "surface_temperature": "K",
    "precipitation_amount": "kg m-2",
}
"""Canonical units of the CF standard name table."""


def test_users_of_era5_ifs_and_gefs_find_their_variables() -> None:
    assert set(EXPECTED.split()) <= {variable.short_name for variable in TABLE}


@pytest.mark.parametrize("variable", TABLE, ids=lambda variable: variable.short_name)
def test_each_row_agrees_with_itself(variable: Variable) -> None:
    low, high = variable.plausible
    assert low < high
    assert is_unit(variable.units)
    assert variable.minimum is None or low <= variable.minimum < high
    assert variable.regional_constant is None or low <= variable.regional_constant <= high
    assert (variable.accumulation_hours is None) or variable.cell_methods == "time: sum"


@pytest.mark.parametrize(("standard_name", "units"), CF_UNITS.items())
def test_units_are_those_of_the_standard_name(standard_name: str, units: str) -> None:
    found = [variable.units for variable in TABLE if variable.standard_name == standard_name]
    assert found
    assert all(linear(one, units) is not None for one in found)


@pytest.mark.parametrize(
    ("name", "units", "value", "channel", "expected"),
    [
        ("TCDC", "%", 55.0, "tcc", 0.55),
        ("total_precipitation_1hr", "m", 0.002, "tp1", 2.0),
        ("100u", "km/h", 36.0, "u100", 10.0),
        ("sea_ice_cover", "(0 - 1)", 0.5, "siconc", 0.5),
        ("volumetric_soil_water_layer_1", "m**3 m**-3", 0.3, "swvl1", 0.3),
        ("surface_solar_radiation_downwards", "J m**-2", 1e7, "ssrd", 1e7),
        ("rh", "1", 0.5, "r700", 50.0),
    ],
)
def test_spellings_and_units_of_sources(name: str, units: str, value: float, channel: str, expected: float) -> None:
    days = truth.analysis("globe")[["t2m"]].rename(t2m=name)
    days[name] = days[name].copy(data=np.full(days[name].shape, value, np.float32)).assign_attrs(units=units)
    if channel.startswith("r"):
        days = days.expand_dims(level=[700])
    found = canonicalise(days)
    assert list(found) == [channel]
    assert float(found[channel].isel(time=0, latitude=0, longitude=0)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("long_name", "expected"),
    [("4xDaily Air temperature at sigma level 995", ["tsig995"]), ("mean Daily Air temperature at 2 m", None)],
)
def test_a_spelling_of_two_quantities_is_told_by_its_long_name(long_name: str, expected: list[str] | None) -> None:
    days = truth.analysis("globe")[["t2m"]].rename(t2m="air")
    days["air"] = days["air"].assign_attrs(long_name=long_name, units="degK")
    if expected is None:
        with pytest.raises(InvalidDataError, match="expected a known channel, found air on no pressure levels"):
            canonicalise(days)
    else:
        assert list(canonicalise(days)) == expected


def test_a_described_spelling_on_levels_is_the_quantity_on_levels() -> None:
    days = truth.analysis("globe")[["t2m"]].rename(t2m="air").expand_dims(level=[850])
    days["air"] = days["air"].assign_attrs(long_name="Air temperature at sigma level 995", units="K")
    assert list(canonicalise(days)) == ["t850"]
