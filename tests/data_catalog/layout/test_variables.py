"""Variables by name, from the table and from dataset files."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.errors import ConfigurationError
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.quantities import Variable
from data_catalog.layout.units import STANDARD_GRAVITY
from data_catalog.layout.variables import (
    VARIABLES,
    channel,
    check_declarable,
    declare,
    is_field_name,
    level_channel,
)


def test_level_and_surface_channels() -> None:
    assert (channel("z500").variable.short_name, channel("z500").level_hpa) == ("z", 500)
    assert (channel("u10").variable.short_name, channel("u10").level_hpa) == ("u10", None)
    assert channel("u10").long_name == "10 m eastward wind"
    assert channel("q850").long_name == "specific humidity at 850 hPa"
    assert channel("tp24").variable.accumulation_hours == 24


@pytest.mark.parametrize("name", ["", "z", "z0500", "z5000", "x500", "msl500", "Z500", "500z", "tp", "t2m "])
def test_unknown_channel_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*z500.*found"):
        channel(name)


@given(st.integers(1, 1050))
def test_a_height_never_passes_for_geopotential(level_hpa: int) -> None:
    low, high = channel(f"z{level_hpa}").plausible
    assert low < high
    if level_hpa < 700:  # lower down both are near zero
        assert high / STANDARD_GRAVITY < low


def test_the_heights_of_850_hpa_are_no_geopotential() -> None:
    low, high = channel("z850").plausible
    assert 0.0 < 1750.0 < low
    assert low < 850.0 * STANDARD_GRAVITY < 1750.0 * STANDARD_GRAVITY < high


def test_only_vector_components_change_sign_across_a_pole() -> None:
    assert {name for name, variable in VARIABLES.items() if variable.polar_sign == -1} == {
        "u",
        "v",
        "u10",
        "v10",
        "u100",
        "v100",
    }


def test_no_spelling_means_two_things() -> None:
    plain = [variable for variable in VARIABLES.values() if variable.described_as is None]
    spellings = [name for variable in plain for name in variable.names]
    assert len(spellings) == len(set(spellings))


PV = Variable("pv", "potential vorticity", "", "K m2 kg-1 s-1", (-1e-3, 1e-3), ("ertel",), on_levels=True)


def test_the_wind_at_100_m_is_not_that_at_100_hpa() -> None:
    assert channel("u100").level_hpa is None
    assert (channel("u100hPa").variable.short_name, channel("u100hPa").level_hpa) == ("u", 100)
    assert level_channel(VARIABLES["u"], 100).name == "u100hPa"
    assert level_channel(VARIABLES["u"], 850).name == "u850"
    with pytest.raises(ConfigurationError, match="found 'z500hPa'"):
        channel("z500hPa")  # it has one name, z500


def test_winds_of_both_kinds_are_told_apart_in_a_file() -> None:
    dims, shape = ("time", "level", "latitude", "longitude"), (1, 2, 2, 2)
    places = {"time": [np.datetime64("2001-01-01", "ns")], "level": [100, 850], "latitude": [0, 1], "longitude": [0, 1]}
    on_levels = (dims, np.full(shape, 30.0, np.float32), {"units": "m s-1"})
    near_ground = (("time", "latitude", "longitude"), np.full((1, 2, 2), 9.0, np.float32), {"units": "m s-1"})
    found = canonicalise(xr.Dataset({"u": on_levels, "u100": near_ground}, places))
    assert {str(name): float(field.max()) for name, field in found.items()} == {"u100hPa": 30, "u850": 30, "u100": 9}
    again = canonicalise(found)
    assert set(again) == set(found)


def test_a_declared_variable_is_known_everywhere_until_it_is_replaced() -> None:
    assert not is_field_name("ertel_300")
    declare("mine", [PV])
    assert channel("pv300").variable is PV
    assert is_field_name("ertel_300")
    declare("mine", ())
    with pytest.raises(ConfigurationError, match="found 'pv300'"):
        channel("pv300")


def test_two_datasets_may_share_a_definition_but_not_contradict_each_other() -> None:
    declare("mine", [PV])
    declare("yours", [PV])
    other = Variable("pv", "potential vorticity", "", "K", (0.0, 1.0), on_levels=True)
    with pytest.raises(ConfigurationError, match=r"variables\.pv: expected one definition, .* mine than in theirs"):
        declare("theirs", [other])
    declare("mine", [other])
    assert channel("pv300").variable is other


@pytest.mark.parametrize(
    ("name", "spelling"), [("t2m", "t2m"), ("mine", "2t"), ("z500", "z500"), ("mine", "geopotential_300")]
)
def test_a_name_of_the_table_cannot_be_declared(name: str, spelling: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"variables\.{name}: expected a name that the built-in table"):
        check_declarable(Variable(name, "", "", "K", (0.0, 1.0), (spelling,)))


def test_a_declared_field_on_no_level_may_be_spelled_like_one_on_levels() -> None:
    near = Variable("t995", "temperature at sigma .995", "", "K", (150.0, 350.0), ("air",))
    with pytest.raises(ConfigurationError, match="found 't995'"):
        check_declarable(near)  # its own name would be a level
    near = Variable("ownair", "temperature at sigma .995", "", "K", (150.0, 350.0), ("air",))
    check_declarable(near)
    declare("mine", [near])
    places = {"time": [np.datetime64("2001-01-01", "ns")], "latitude": [0, 1], "longitude": [0, 1]}
    field = (("time", "latitude", "longitude"), np.full((1, 2, 2), 280.0, np.float32), {"units": "K"})
    assert set(canonicalise(xr.Dataset({"air": field}, places))) == {"ownair"}
    on_level = (("time", "level", "latitude", "longitude"), np.full((1, 1, 2, 2), 280.0, np.float32), {"units": "K"})
    assert set(canonicalise(xr.Dataset({"air": on_level}, places | {"level": [500]}))) == {"t500"}
