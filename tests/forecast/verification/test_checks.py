"""What does not fit together is refused, in one line."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError
from forecast.verification.checks import check_positive, check_reduce, in_units_of, member_dimension, on_grid, paired

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, a: (f.rename(member="number"), a), "expected dimension 'member'"),
        (lambda f, a: (f.isel(member=slice(0)), a), "at least 1 along 'member', found 0"),
        (lambda f, a: (f, a.isel(lead_time=0)), "expected an analysis on"),
        (lambda f, a: (f, a.isel(latitude=slice(3))), "expected 6 along 'latitude' in the analysis, found 3"),
        (
            lambda f, a: (f, a.isel(latitude=slice(None, None, -1))),
            "expected the coordinates of the forecast along 'latitude' in the analysis, found 75.0 for -75.0",
        ),
        (lambda f, a: (f, a.assign_attrs(units="degC")), "expected one unit, found 'K' in the forecast, 'degC'"),
        (lambda f, a: (f, a.astype(str)), "expected numbers in the analysis"),
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


@pytest.mark.parametrize(("ours", "theirs"), [("m s-1", "m s**-1"), ("K", "kelvin"), ("m/s", "meters per second")])
def test_spellings_of_a_unit_are_one_unit(make_pair: MakePair, ours: str, theirs: str) -> None:
    forecast, analysis = make_pair("random")
    ensemble, _ = paired(forecast.assign_attrs(units=ours), analysis.assign_attrs(units=theirs), "member")
    assert ensemble.attrs["units"] == ours


def test_latitudes_in_thousandths_of_a_degree_are_those_of_the_grid(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    _, aligned = paired(forecast, analysis.assign_coords(latitude=analysis["latitude"] + 5e-4), "member")
    xr.testing.assert_identical(aligned, analysis)
    with pytest.raises(UnscorableError, match="expected the coordinates of the forecast along 'latitude'"):
        paired(forecast, analysis.assign_coords(latitude=analysis["latitude"] + 5e-3), "member")


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
    xr.testing.assert_identical(on_grid("weights", analysis["latitude"], analysis), analysis["latitude"])
    other = xr.DataArray([1.0, 2.0], dims="quantile")
    xr.testing.assert_identical(on_grid("threshold", other, analysis, own_dims=True), other)
    for array, message in (
        (other, r"weights: expected dimensions among \['lead_time', 'latitude', 'longitude'\], found 'quantile'"),
        (analysis["latitude"][:3], "weights: expected 6 along 'latitude', found 3"),
        (analysis["latitude"][::-1], "weights: expected the coordinates of the forecast along 'latitude'"),
    ):
        with pytest.raises(UnscorableError, match=message):
            on_grid("weights", array, analysis)


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


def test_an_argument_takes_the_coordinates_of_the_forecast_and_no_second_one_of_a_name(make_pair: MakePair) -> None:
    forecast, _ = make_pair("random")
    forecast = forecast.rename(member="number").assign_coords(height=2.0)
    noisy = forecast["latitude"] + np.where(np.arange(6) % 2, 3e-6, 0.0)
    climatology = xr.DataArray(np.arange(6.0), dims="latitude", coords={"latitude": noisy, "height": 10.0, "day": 3})
    found = on_grid("climatology", climatology, forecast, member_dim="number")
    np.testing.assert_array_equal(found["latitude"], forecast["latitude"])
    assert (float(found["height"]), int(found["day"])) == (2.0, 3)
    assert (found + forecast).sizes["latitude"] == 6
    with pytest.raises(UnscorableError, match=r"climatology: expected dimensions among .*, found 'number'"):
        on_grid("climatology", forecast, forecast, member_dim="number")


def test_the_tolerance_is_less_than_half_a_step_and_grows_with_large_coordinates() -> None:
    metres = xr.DataArray(np.zeros(4), dims="x", coords={"x": 5_432_100.4 + 2500.3 * np.arange(4)})
    single = metres.assign_coords(x=metres["x"].astype(np.float32))
    assert on_grid("weights", single, metres)["x"].dtype == np.float64
    fine = xr.DataArray(np.zeros(3), dims="x", coords={"x": [0.0, 5e-5, 1e-4]})
    with pytest.raises(UnscorableError, match=r"found 5e-05 for 0.0 at position 0"):
        on_grid("weights", fine.assign_coords(x=fine["x"] + 5e-5), fine)
    with pytest.raises(UnscorableError, match=r"found 0.0 for 2000-01-01"):
        on_grid(
            "weights", fine, fine.assign_coords(x=np.arange("2000-01-01", "2000-01-04", dtype="M8[D]").astype("M8[ns]"))
        )


def test_stacked_points_are_compared_level_by_level(make_pair: MakePair) -> None:
    _, analysis = make_pair("random")
    near = analysis.assign_coords(latitude=analysis["latitude"] + 1e-6).stack(point=("latitude", "longitude"))
    points = analysis.stack(point=("latitude", "longitude"))
    xr.testing.assert_identical(on_grid("climatology", near, points), points)


def test_members_are_found_by_their_usual_names() -> None:
    def field(*dims: str) -> xr.DataArray:
        return xr.DataArray(np.zeros([2] * len(dims)), dims=dims)

    assert member_dimension(field("realization", "x")) == "realization"
    assert member_dimension(field("sample", "member")) == "member"
    assert member_dimension(field("number", "sample"), field("sample")) == "number"
    for dims, message in ((("number", "sample"), "expected one dimension of members"), (("x",), "expected dimension")):
        with pytest.raises(UnscorableError, match=message):
            member_dimension(field(*dims))


def test_weights_are_numbers_of_0_or_more_at_once_or_when_computed() -> None:
    for wrong in (-1.0, np.nan, np.inf):
        weights = xr.DataArray([1.0, wrong], dims="x")
        with pytest.raises(UnscorableError, match="weights: expected finite numbers of 0 or more, found"):
            check_positive("weights", weights)
        lazy = check_positive("weights", weights.chunk(x=1))
        with pytest.raises(UnscorableError, match="weights: expected finite numbers of 0 or more, found"):
            lazy.compute()
    assert check_positive("weights", xr.DataArray([True, False], dims="x")).dtype == bool


def test_both_fields_are_lazy_where_one_is(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    for pair in ((forecast.chunk(latitude=2), analysis), (forecast, analysis.chunk(latitude=2))):
        for field in paired(*pair, "member"):
            assert field.chunksizes["latitude"] == (2, 2, 2)
    assert all(field.chunks is None for field in paired(forecast, analysis, "member"))
