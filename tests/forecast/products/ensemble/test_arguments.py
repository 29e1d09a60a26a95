"""Arguments of products that do not fit together are refused in one line."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.products.ensemble.arguments import member_dimension, on_climate, on_points

LATITUDE = [40.0, 50.0, 60.0]
MEMBERS = xr.DataArray(
    np.zeros((4, 3), np.float32), dims=("member", "latitude"), coords={"latitude": LATITUDE}, attrs={"units": "K"}
)


@pytest.mark.parametrize("name", ["member", "realization", "number"])
def test_the_usual_names_of_members_are_found(name: str) -> None:
    assert member_dimension(MEMBERS.rename(member=name)) == name


def test_members_of_another_name_are_named_or_refused() -> None:
    renamed = MEMBERS.rename(member="draw")
    assert member_dimension(renamed, "draw") == "draw"
    with pytest.raises(InvalidDataError, match=r"expected one dimension 'member', found \['draw', 'latitude'\]"):
        member_dimension(renamed)
    with pytest.raises(InvalidDataError, match="expected dimension 'member'"):
        member_dimension(renamed, "member")
    with pytest.raises(InvalidDataError, match="at least one along 'member', found none"):
        member_dimension(MEMBERS.isel(member=slice(0)))


def test_spellings_of_a_grid_are_one() -> None:
    field = xr.DataArray(np.ones(3), dims="latitude", coords={"latitude": np.array(LATITUDE) + 1e-5})
    np.testing.assert_array_equal(on_points("threshold", field, MEMBERS)["latitude"], LATITUDE)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coords": {"latitude": [40.0, 50.0, 61.0]}}, r"threshold: expected the 3 places .* 'latitude'"),
        ({"dims": "longitude"}, r"threshold: expected dimensions among .* found 'longitude'"),
        ({"attrs": {"units": "degC"}}, r"threshold: expected unit 'K', found 'degC'"),
    ],
)
def test_another_grid_or_unit_is_refused(changes: dict[str, object], message: str) -> None:
    field = xr.DataArray(np.ones(3), **{"dims": "latitude", **changes})  # type: ignore[arg-type]
    with pytest.raises(InvalidDataError, match=message) as caught:
        on_points("threshold", field, MEMBERS)
    assert "\n" not in str(caught.value)


def test_a_climate_has_one_dimension_of_its_own() -> None:
    climate = xr.DataArray(np.ones((5, 3)), dims=("member", "latitude"), coords={"latitude": LATITUDE})
    members, states, along, state = on_climate(MEMBERS, climate, None)
    assert (along, state, states.sizes[state]) == ("member", "climate_state", 5)
    assert members.dtype == states.dtype == np.float32
    with pytest.raises(InvalidDataError, match=r"one dimension beside .*latitude.* found .*year.*stack"):
        on_climate(MEMBERS, climate.expand_dims(year=3), None)
    with pytest.raises(InvalidDataError, match=r"found \[\]"):
        on_climate(MEMBERS, climate.isel(member=0), None)


@pytest.mark.parametrize("levels", [[0.5, 0.1], [0.1, 1.5], None])
def test_levels_ascend_from_0_to_1(levels: list[float] | None) -> None:
    climate = xr.DataArray(np.ones((2, 3)), dims=("quantile", "latitude"))
    climate = climate if levels is None else climate.assign_coords(quantile=levels)
    with pytest.raises(InvalidDataError, match="ascending levels from 0 to 1 along 'quantile'"):
        on_climate(MEMBERS, climate, None)
