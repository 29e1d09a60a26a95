"""Scores are computed without coordinates, and get back those that they have left."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.verification import brier_score, crps, reliability
from forecast.verification.set_aside import combined, placed, placed_all, with_places, without_places

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


@pytest.fixture
def pair(make_pair: MakePair) -> tuple[xr.DataArray, xr.DataArray]:
    """Forecast and analysis with all kinds of coordinates."""
    forecast, analysis = make_pair("random")
    start = {"init_time": np.datetime64("2020-01-01", "ns")}
    coords = {"hour": ("lead_time", np.arange(analysis.sizes["lead_time"])), "area": (("latitude", "longitude"), None)}
    area = np.ones((analysis.sizes["latitude"], analysis.sizes["longitude"]))
    coords["area"] = (("latitude", "longitude"), area)
    return tuple(field.assign_coords(start | coords) for field in (forecast, analysis))


def test_arguments_lose_the_coordinates_of_places_alone(pair: tuple[xr.DataArray, xr.DataArray]) -> None:
    forecast, analysis = pair
    limit = xr.DataArray(np.ones((2, analysis.sizes["latitude"])), {"threshold": [1.0, 2.0]}, ("threshold", "latitude"))
    limit = limit.assign_coords(latitude=analysis["latitude"])
    bare = without_places({"forecast": forecast, "analysis": analysis, "threshold": limit, "fair": True}, "member")
    assert not bare["analysis"].coords
    assert set(bare["forecast"].coords) <= {"member"}
    assert set(bare["threshold"].coords) == {"threshold"}
    assert bare["fair"] is True


@pytest.mark.parametrize("reduce", [(), ("latitude", "longitude"), ("lead_time",), "all"])
def test_a_score_has_the_coordinates_along_its_dimensions(pair: tuple[xr.DataArray, xr.DataArray], reduce: str) -> None:
    forecast, analysis = pair
    found = crps(forecast, analysis, reduce=reduce)
    expected = {name for name, coord in analysis.coords.items() if {*coord.dims} <= {*found.dims}}
    assert set(found.coords) == expected
    for name in expected:
        xr.testing.assert_equal(found.coords[name].variable, analysis.coords[name].variable)


def test_a_score_keeps_coordinates_of_its_own(pair: tuple[xr.DataArray, xr.DataArray]) -> None:
    forecast, analysis = (field.assign_coords(threshold=7.0, probability=0.5) for field in pair)
    several = brier_score(forecast, analysis, threshold=[1.0, 2.0], reduce=("latitude", "longitude"))
    assert several["threshold"].values.tolist() == [1.0, 2.0]
    curve = reliability(forecast, analysis, threshold=1.0, reduce="all")
    assert curve["probability"].size == forecast.sizes["member"] + 1


def test_places_of_several_levels_come_back_as_they_were() -> None:
    places = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["land", "number"])
    coords = xr.Coordinates.from_pandas_multiindex(places, "place")
    forecast = xr.DataArray(np.arange(12.0).reshape(3, 4), dims=("member", "place"), coords=coords)
    found = crps(forecast, forecast.isel(member=0), fair=False)
    assert found.sel(land="b", number=2).item() == found.values[3]
    assert not crps(forecast, forecast.isel(member=0), reduce="place").coords


def test_arithmetic_of_variables_keeps_what_either_has() -> None:
    one = xr.DataArray([1.0, 2.0], {"region": ["a", "b"]}, "region")
    other = xr.DataArray(np.ones((3, 2)), {"level": [1, 2, 3]}, ("level", "x"))
    total = combined(lambda first, second: (first + second).sum("x"), one, other)
    assert total.dims == ("region", "level")
    assert total["region"].values.tolist() == ["a", "b"]
    assert total["level"].values.tolist() == [1, 2, 3]
    both = placed_all({"one": one.variable, "two": total.variable}, total)
    xr.testing.assert_identical(both["two"], total.rename("two"))
    assert set(both.coords) == {"region", "level"}


def test_a_score_without_places_stays_as_it_is() -> None:
    score, forecast = xr.DataArray(1.0), xr.DataArray(np.ones((2, 3)), dims=("member", "x"))
    assert with_places(score, forecast, "member") is score


def test_a_score_has_nothing_of_the_forecast_but_its_coordinates() -> None:
    field = xr.DataArray([0.2, 0.5], {"x": [1.0, 2.0]}, "x", name="t2m", attrs={"units": "K"})
    field.encoding = {"dtype": "int16", "scale_factor": 0.1}
    found = placed(xr.Variable("x", [0.25, 0.125]), field)
    xr.testing.assert_identical(found, xr.DataArray([0.25, 0.125], {"x": [1.0, 2.0]}, "x"))
    assert not found.encoding
