"""What does not fit together is refused, in one line."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError
from forecast.verification.checks import check_fits, check_reduce, in_units_of, paired

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, a: (f.rename(member="number"), a), "expected dimension 'member'"),
        (lambda f, a: (f.isel(member=slice(0)), a), "at least 1 along 'member', found 0"),
        (lambda f, a: (f, a.isel(lead_time=0)), "expected an analysis on"),
        (lambda f, a: (f, a.isel(latitude=slice(3))), "expected 6 along 'latitude' in the analysis, found 3"),
        (lambda f, a: (f, a.isel(latitude=slice(None, None, -1))), "expected the forecast's 'latitude'"),
        (lambda f, a: (f, a.assign_attrs(units="degC")), "expected one unit, found 'K' in the forecast, 'degC'"),
        (lambda f, a: (f, a > 1), "expected numbers in the analysis"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(make_pair: MakePair, change: object, message: str) -> None:
    forecast, analysis = change(*make_pair("random"))  # type: ignore[operator]
    with pytest.raises(UnscorableError, match=message) as caught:
        paired(forecast, analysis, "member")
    assert "\n" not in str(caught.value)


def test_float32_and_float64_spellings_of_a_grid_are_one_grid(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    near = analysis.assign_coords(latitude=analysis["latitude"] + 1e-6)
    _, aligned = paired(forecast, near, "member")
    xr.testing.assert_identical(aligned, analysis)


def test_the_analysis_takes_the_order_of_the_forecast(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    turned = forecast.transpose("longitude", "member", "lead_time", "latitude").chunk(member=4)
    ensemble, aligned = paired(turned, analysis, "member")
    assert aligned.dims == ("longitude", "lead_time", "latitude")
    assert ensemble.chunksizes["member"] == (9,)
    np.testing.assert_array_equal(aligned.transpose(*analysis.dims), analysis)


def test_a_score_may_need_several_members(make_pair: MakePair) -> None:
    with pytest.raises(UnscorableError, match="forecast: expected at least 2 along 'member', found 1"):
        paired(*make_pair("single"), "member", least_members=2)


def test_arguments_by_point_are_of_the_same_points(make_pair: MakePair) -> None:
    _, analysis = make_pair("random")
    check_fits("weights", analysis["latitude"], analysis)
    other = xr.DataArray([1.0, 2.0], dims="quantile")
    check_fits("threshold", other, analysis, own_dims=True)
    for array, message in (
        (other, r"weights: expected dimensions among \['lead_time', 'latitude', 'longitude'\], found 'quantile'"),
        (analysis["latitude"][:3], "weights: expected 6 along 'latitude', found 3"),
        (analysis["latitude"][::-1], "weights: expected the coordinates of the forecast along 'latitude'"),
    ):
        with pytest.raises(UnscorableError, match=message):
            check_fits("weights", array, analysis)


def test_dimensions_to_average_over_are_those_of_the_score(make_pair: MakePair) -> None:
    _, analysis = make_pair("random")
    check_reduce((), analysis)
    for reduce, found in ((["time", "latitude"], r"\['time'\]"), ((), "none")):
        with pytest.raises(UnscorableError, match=f"reduce: expected dimensions among .*, found {found}"):
            check_reduce(reduce, analysis, needed=True)


def test_units_are_the_only_attribute_of_a_score(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    noted = analysis.assign_attrs(long_name="temperature")
    assert in_units_of(forecast, noted).attrs == {"units": "K"}
    assert in_units_of(forecast.drop_attrs(), noted).attrs == {}
