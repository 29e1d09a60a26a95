import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.errors import ConfigurationError
from data_catalog.layout.units import STANDARD_GRAVITY
from data_catalog.layout.variables import VARIABLES, channel


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


def test_only_vector_components_change_sign_across_a_pole() -> None:
    assert {name for name, variable in VARIABLES.items() if variable.polar_sign == -1} == {"u", "v", "u10", "v10"}


def test_no_spelling_means_two_things() -> None:
    spellings = [name for variable in VARIABLES.values() for name in variable.names]
    assert len(spellings) == len(set(spellings))
