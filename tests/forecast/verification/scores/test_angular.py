"""Errors of directions: the shorter way round, whatever turn of the circle the numbers are on."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification import UnscorableError, angular_errors

ANGLES = st.lists(st.integers(0, 359), min_size=3, max_size=3)


def directions(values: object, *dims: str) -> xr.DataArray:
    return xr.DataArray(np.asarray(values, dtype=float), dims=dims, attrs={"units": "degrees"})


def test_errors_go_the_shorter_way() -> None:
    found = angular_errors(directions([359, 1, 90, 0], "x"), directions([1, 359, 270, 350], "x"))
    assert abs(found["bias"]).values.tolist() == [2, 2, 180, 10]
    assert found["bias"].values[[0, 1, 3]].tolist() == [-2, 2, 10]
    whole = angular_errors(directions([359, 1], "x"), directions([1, 359], "x"), reduce="all")
    assert [float(part) for part in whole.data_vars.values()] == [0.0, 2.0, 2.0]
    assert whole["mae"].attrs == {"units": "degrees"}


@settings(deadline=None)
@given(forecast=ANGLES, analysis=ANGLES, turns=st.integers(-2, 2), shift=st.integers(0, 359))
def test_turns_and_where_north_lies_do_not_matter(
    forecast: list[int], analysis: list[int], turns: int, shift: int
) -> None:
    one, other = directions(forecast, "x"), directions(analysis, "x")
    whole = angular_errors(one, other, reduce="all")
    moved = angular_errors((one + shift).assign_attrs(units="degrees"), other + shift + 360 * turns, reduce="all")
    xr.testing.assert_allclose(moved["mae"], whole["mae"], atol=1e-9)
    assert float(whole["mae"]) <= float(whole["rmse"]) + 1e-9 <= 180 + 1e-8


def test_absolute_errors_are_those_of_a_peer() -> None:
    import scores.continuous as peer

    rng = np.random.default_rng(0)
    forecast, analysis = (directions(rng.uniform(0, 360, (4, 9)), "time", "x") for _ in range(2))
    ours = angular_errors(forecast, analysis, reduce="x")
    options = {"is_angular": True, "preserve_dims": ["time"]}
    np.testing.assert_allclose(ours["mae"], peer.mae(forecast, analysis, **options))
    np.testing.assert_allclose(ours["rmse"], peer.rmse(forecast, analysis, **options))


def test_members_have_a_mean_direction() -> None:
    members = directions([[350, 0], [10, 180]], "member", "x")
    found = angular_errors(members, directions([5, 5], "x"))
    assert float(found["bias"][0]) == pytest.approx(-5)
    assert np.isnan(found["bias"][1])
    lazy = angular_errors(members.chunk(x=1), directions([5, 5], "x"))
    xr.testing.assert_allclose(lazy.compute(), found)
    holed = members.copy()
    holed[1, 0] = np.nan
    assert angular_errors(holed, directions([5, 5], "x"))["mae"].isnull().all()
    assert float(angular_errors(holed, directions([5, 5], "x"), skip_missing=True)["bias"][0]) == pytest.approx(-15)


def test_other_units_are_refused() -> None:
    radians = directions([1, 2], "x").assign_attrs(units="radian")
    with pytest.raises(UnscorableError, match="expected a direction in degrees, found unit 'radian'"):
        angular_errors(radians, radians)
