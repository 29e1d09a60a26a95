"""Every score takes its arguments as people have them, or refuses them in one line."""

import inspect
from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

from forecast import verification
from forecast.verification import UnscorableError, area_weights, crps, energy_score, region_weights
from forecast.verification.arguments import ALIASES, aligned

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")
ALL = ("lead_time", *GRID)


def by_row(value: float, latitude: xr.DataArray) -> xr.DataArray:
    """A field along latitude."""
    return value + xr.zeros_like(latitude.astype(np.float64).drop_attrs()) + 0.01 * np.arange(latitude.size)


CALLS: dict[str, Callable[[xr.DataArray], dict[str, Any]]] = {
    "acc": lambda y: {"climatology": by_row(1.5, y), "weights": area_weights(y)},
    "bias": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "brier_decomposition": lambda y: {"threshold": by_row(2.0, y), "reduce": ALL, "weights": area_weights(y)},
    "brier_score": lambda y: {"threshold": by_row(2.0, y), "reduce": ALL, "weights": area_weights(y)},
    "correlation": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "crps": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "crps_decomposition": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "dawid_sebastiani": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "energy_score": lambda y: {"dims": GRID, "norm_weights": area_weights(y)},
    "ensemble_mean_rmse": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "ensemble_statistics": lambda y: {"threshold": [1.0, 2.0]},
    "error_growth": lambda y: {},
    "firm": lambda y: {
        "threshold": by_row(2.0, y), "risk": 0.7, "discount_distance": np.inf, "reduce": ALL,
        "weights": area_weights(y),
    },
    "fss": lambda y: {"threshold": by_row(2.0, y), "window": 3, "weights": area_weights(y)},
    "kge": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "log_score": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "mae": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "multivariate_dawid_sebastiani": lambda y: {"dims": ("latitude",)},
    "murphy_diagram": lambda y: {"threshold": by_row(2.0, y), "reduce": ALL, "weights": area_weights(y)},
    "nse": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "owcrps": lambda y: {"lower": by_row(0.4, y), "fair": False, "reduce": ALL, "weights": area_weights(y)},
    "pit": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "quantile_quantile": lambda y: {"reduce": ALL, "quantiles": [0.2, 0.5]},
    "quantile_score": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "rank_histogram": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "relative_economic_value": lambda y: {"threshold": by_row(2.0, y), "reduce": ALL, "weights": area_weights(y)},
    "reliability": lambda y: {"threshold": by_row(2.0, y), "reduce": ALL, "weights": area_weights(y)},
    "rmse": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "roc": lambda y: {"threshold": by_row(2.0, y), "reduce": ALL, "weights": area_weights(y)},
    "rps": lambda y: {"threshold": [1.0, 2.0], "reduce": ALL, "weights": area_weights(y)},
    "seeps": lambda y: {
        "dry_fraction": by_row(0.4, y), "heavy_threshold": by_row(2.0, y), "reduce": ALL, "weights": area_weights(y),
    },
    "spectral_crps": lambda y: {},
    "spread": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "spread_skill_binned": lambda y: {"edges": [0, 1, 2, 9], "reduce": ALL, "weights": area_weights(y)},
    "spread_skill_ratio": lambda y: {"reduce": ALL, "weights": area_weights(y)},
    "twcrps": lambda y: {"lower": by_row(1.0, y), "reduce": ALL, "weights": area_weights(y)},
    "variogram_score": lambda y: {"dims": GRID},
    "vrcrps": lambda y: {"lower": by_row(1.0, y), "centre": by_row(1.0, y), "reduce": ALL, "weights": area_weights(y)},
}  # fmt: skip
"""Options of every score of an ensemble and an analysis, for the latitudes that are given."""
OF_MANY_POINTS = {
    "acc", "brier_decomposition", "correlation", "crps_decomposition", "energy_score", "error_growth", "fss", "kge",
    "multivariate_dawid_sebastiani",
    "nse", "quantile_quantile", "relative_economic_value", "reliability", "roc", "spectral_crps", "variogram_score",
}  # fmt: skip
OTHERS = {
    "angular_errors",
    "brier_score_of_probability",
    "contingency_table",
    "crps_of_quantiles",
    "interval_score",
    "quantile_score_of_quantiles",
    "reliability_of_probability",
    "roc_of_probability",
    "rps_of_probability",
}
"""Scores of other forecasts than ensembles of amounts: see test_without_members.py."""
WEIGHTED = [name for name, call in CALLS.items() if "weights" in call(xr.DataArray([0.0, 1.0], dims="latitude"))]


def scored(name: str, forecast: xr.DataArray, analysis: xr.DataArray, options: dict[str, Any]) -> xr.Dataset:
    found = getattr(verification, name)(forecast, analysis, **options)
    return found if isinstance(found, xr.Dataset) else found.to_dataset(name="score")


def test_every_score_is_tried_here() -> None:
    scores = [
        name
        for name in verification.__all__
        if inspect.isfunction(getattr(verification, name))
        and list(inspect.signature(getattr(verification, name)).parameters)[:2] == ["forecast", "analysis"]
        and name != "cycle_sums"
    ]
    assert sorted([*CALLS, *OTHERS]) == sorted(scores)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("which", ["single", "noise", "arguments", "integers"])
def test_coordinates_that_differ_by_rounding_give_the_same_numbers(make_pair: MakePair, name: str, which: str) -> None:
    forecast, analysis = make_pair("random")
    if which == "integers":
        forecast, analysis = (f.assign_coords(latitude=[-75.0, -45, -15, 15, 45, 75]) for f in (forecast, analysis))
    latitude = forecast["latitude"]
    expected = scored(name, forecast, analysis, CALLS[name](latitude))
    others = {
        "single": latitude.astype(np.float32),
        "noise": latitude + np.where(np.arange(6) % 2, 3e-6, 0.0),
        "arguments": latitude + 3e-6,
        "integers": latitude.astype(int),
    }
    if which != "arguments":
        analysis = analysis.assign_coords(latitude=others[which].values)
    options = {
        key: value.assign_coords(latitude=others[which].values) if isinstance(value, xr.DataArray) else value
        for key, value in CALLS[name](latitude).items()
    }
    xr.testing.assert_identical(scored(name, forecast, analysis, options), expected)


@pytest.mark.parametrize("name", CALLS)
def test_arguments_on_other_points_are_refused(make_pair: MakePair, name: str) -> None:
    forecast, analysis = make_pair("random")
    options = CALLS[name](forecast["latitude"])
    changes: list[Callable[[xr.DataArray], xr.DataArray]] = [
        lambda a: a.isel(latitude=slice(3)),
        lambda a: a.isel(latitude=slice(None, None, -1)),
        lambda a: a.assign_coords(latitude=a["latitude"] + 1),
        lambda a: a.rename(latitude="lat"),
        lambda a: a.expand_dims(member=9),
    ]
    for role in [key for key, value in options.items() if isinstance(value, xr.DataArray)]:
        for change in changes:
            with pytest.raises(UnscorableError, match=f"^{role}: expected [^\n]*$"):
                scored(name, forecast, analysis, {**options, role: change(options[role])})


@pytest.mark.parametrize("name", CALLS)
def test_scalar_coordinates_of_one_name_do_not_clash(make_pair: MakePair, name: str) -> None:
    forecast, analysis = make_pair("random")
    forecast, options = forecast.rename(member="number"), CALLS[name](forecast["latitude"])
    expected = scored(name, forecast, analysis, options)
    clashing = {
        key: value.assign_coords(number=3, height=2.0) if isinstance(value, xr.DataArray) else value
        for key, value in options.items()
    }
    found = scored(name, forecast.assign_coords(height=10.0), analysis.assign_coords(number=0), clashing)
    xr.testing.assert_identical(found.drop_vars("height", errors="ignore"), expected)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtypes", [("u1", "u2"), ("i2", "f4"), ("f2", "f2"), ("f8", "u1")])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_integers_and_half_precision_never_wrap(make_pair: MakePair, name: str, dtypes: tuple[str, str]) -> None:
    forecast, analysis = (np.round(15 * field).clip(0, 120) for field in make_pair("random"))
    options = CALLS[name](forecast["latitude"])
    expected = scored(name, forecast, analysis, options)
    found = scored(name, forecast.astype(dtypes[0]), analysis.astype(dtypes[1]), options)
    xr.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", CALLS)
def test_the_usual_names_of_members_and_of_latitude_and_longitude(make_pair: MakePair, name: str) -> None:
    forecast, analysis = make_pair("random")
    options = CALLS[name](forecast["latitude"])
    expected = scored(name, forecast, analysis, options)
    for member in ("realization", "sample"):
        xr.testing.assert_identical(scored(name, forecast.rename(member=member), analysis, options), expected)
    short = {"latitude": "lat", "longitude": "lon"}
    options = CALLS[name](forecast["latitude"].rename(latitude="lat"))
    options |= {key: tuple(short.get(d, d) for d in options[key]) for key in ("dims", "reduce") if key in options}
    found = scored(name, forecast.rename(short), analysis.rename(short), options)
    undo = {new: old for old, new in short.items() if new in found.dims}
    xr.testing.assert_identical(found.rename(undo), expected)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "ensemble_statistics"])
def test_dimensions_to_average_over_in_every_spelling(make_pair: MakePair, name: str) -> None:
    forecast, analysis = make_pair("random")
    options = {**CALLS[name](forecast["latitude"]), "reduce": ()}
    field = options.get("dims", GRID if name in ("acc", "fss", "spectral_crps", "error_growth") else ())
    dims = [dim for dim in ALL if dim not in field]
    expected = scored(name, forecast, analysis, {**options, "reduce": dims})
    for reduce in ("all", ..., tuple(dims), dict.fromkeys(dims)):
        xr.testing.assert_identical(scored(name, forecast, analysis, {**options, "reduce": reduce}), expected)
    one = scored(name, forecast, analysis, {**options, "reduce": ["lead_time"]})
    xr.testing.assert_identical(scored(name, forecast, analysis, {**options, "reduce": "lead_time"}), one)
    kept = [dim for dim in dims if dim != "lead_time"]
    if kept:
        xr.testing.assert_identical(scored(name, forecast, analysis, {**options, "preserve": kept}), one)
    xr.testing.assert_identical(scored(name, forecast, analysis, {**options, "preserve": []}), expected)
    for wrong in ({"reduce": "time"}, {"reduce": "member"}, {"preserve": "time"}, {"preserve": "x", "reduce": "y"}):
        with pytest.raises(UnscorableError, match=r"^(reduce|preserve): expected [^\n]*$"):
            scored(name, forecast, analysis, {**options, **wrong})


@pytest.mark.parametrize("name", CALLS)
def test_a_dataset_is_scored_variable_by_variable(make_pair: MakePair, name: str) -> None:
    forecast, analysis = make_pair("random")
    options = CALLS[name](forecast["latitude"])
    pair = (xr.Dataset({"t": field, "u": 2 * field}) for field in (forecast, analysis))
    found = getattr(verification, name)(*pair, **options)
    assert isinstance(found, xr.Dataset)
    for variable, scale in (("t", 1), ("u", 2)):
        expected = getattr(verification, name)(scale * forecast, scale * analysis, **options)
        if isinstance(expected, xr.DataArray):
            np.testing.assert_array_equal(found[variable], expected)
        else:
            xr.testing.assert_equal(found.sel(variable=variable, drop=True), expected)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_field_is_refused_in_one_line(make_pair: MakePair, name: str) -> None:
    forecast, analysis = make_pair("random")
    options = CALLS[name](forecast["latitude"])
    both = xr.Dataset({"t": forecast, "u": forecast})
    for pair in (
        (forecast.values, analysis.values),
        (forecast, analysis.values),
        (forecast, analysis.to_dataset(name="t")),
        (both, analysis),
        (both, xr.Dataset({"t": analysis})),
        (xr.Dataset(), xr.Dataset()),
        (forecast.rename(member="copies"), analysis),
    ):
        with pytest.raises(UnscorableError, match=r"^[a-z]*: expected [^\n]*$"):
            scored(name, *pair, options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_of_regions_make_a_dimension_of_the_score(make_pair: MakePair, name: str) -> None:
    forecast, analysis = make_pair("random")
    options = CALLS[name](forecast["latitude"])
    regions = region_weights(forecast["latitude"], forecast["longitude"])
    found = scored(name, forecast, analysis, {**options, "weights": regions})
    assert len(regions) > 2
    for region in regions["region"].values:
        weights = regions.sel(region=region, drop=True)
        xr.testing.assert_allclose(
            found.sel(region=region, drop=True), scored(name, forecast, analysis, {**options, "weights": weights})
        )


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_in_numpy_and_wrong_ones(make_pair: MakePair, name: str) -> None:
    forecast, analysis = make_pair("random")
    options = CALLS[name](forecast["latitude"])
    expected = scored(name, forecast, analysis, options)
    xr.testing.assert_equal(
        scored(name, forecast, analysis, {**options, "weights": options["weights"].values}), expected
    )
    for wrong in (-options["weights"], np.ones(5), np.ones((6, 6)), "area", options["weights"] * np.nan):
        with pytest.raises(UnscorableError, match=r"^weights: expected [^\n]*$"):
            scored(name, forecast, analysis, {**options, "weights": wrong})


def test_a_numpy_array_that_fits_two_dimensions_is_refused() -> None:
    forecast = xr.DataArray(np.zeros((2, 3, 3)), dims=("member", "x", "y"))
    with pytest.raises(UnscorableError, match=r"weights: .* found shape \(3,\), which fits 2; name the dimensions"):
        crps(forecast, forecast[0], reduce=("x", "y"), weights=np.ones(3))  # type: ignore[arg-type]
    assert crps(forecast, forecast[0], reduce="x", weights=np.ones(3)).sizes == {"y": 3}  # type: ignore[arg-type]


def test_other_words_are_taken_where_they_are_not_a_score_s_own(make_pair: MakePair) -> None:
    pair = make_pair("random")
    expected = verification.rps(*pair, threshold=[1.0, 2.0], reduce=GRID)
    for word in ("dims", "dim", "reduce_dims"):
        xr.testing.assert_identical(verification.rps(*pair, thresholds=[1.0, 2.0], **{word: GRID}), expected)
    assert ALIASES["thresholds"] == "threshold"
    with pytest.raises(UnscorableError, match="reduce: expected it once, found it as 'dim', too"):
        crps(*pair, reduce=GRID, dim=GRID)  # type: ignore[call-arg]
    assert energy_score(*pair, dims=GRID).dims == ("lead_time",)
    with pytest.raises(TypeError, match="nonsense"):
        crps(*pair, nonsense=1)  # type: ignore[call-arg]


def test_a_further_ensemble_is_put_on_the_grid(make_pair: MakePair) -> None:
    @aligned(ensembles=("reference",))
    def both(
        forecast: xr.DataArray, analysis: xr.DataArray, *, reference: xr.DataArray, member_dim: str | None = None
    ) -> xr.DataArray:
        """Difference of two means."""
        return forecast.mean(member_dim) - reference.mean(member_dim)

    forecast, analysis = make_pair("random")
    near = forecast.isel(member=slice(3)).assign_coords(latitude=forecast["latitude"] + 1e-6)
    assert both(forecast, analysis, reference=near).sizes == analysis.sizes
    with pytest.raises(UnscorableError, match="reference: expected 6 along 'latitude', found 2"):
        both(forecast, analysis, reference=near.isel(latitude=slice(2)))


@pytest.mark.parametrize(
    "name", [name for name in verification.__all__ if inspect.isfunction(getattr(verification, name))]
)
def test_help_says_what_each_argument_is(name: str) -> None:
    score = getattr(verification, name)
    for parameter in inspect.signature(score).parameters:
        assert f"\n    {parameter}: " in inspect.getdoc(score), parameter


@pytest.mark.parametrize("name", CALLS)
def test_dask_and_numpy_mix(make_pair: MakePair, name: str) -> None:
    forecast, analysis = make_pair("random")
    options = CALLS[name](forecast["latitude"])
    expected = scored(name, forecast, analysis, options)
    chunks = {"latitude": 4, "lead_time": 1}
    lazy = {
        key: value.chunk(latitude=5) if isinstance(value, xr.DataArray) else value for key, value in options.items()
    }
    cases = [(forecast.chunk(member=4, **chunks), analysis, options), (forecast, analysis.chunk(chunks), options)]
    if any(isinstance(value, xr.DataArray) for value in options.values()):
        cases.append((forecast, analysis, lazy))
    for case in cases:
        found = scored(name, *case)
        assert dask.is_dask_collection(found)
        xr.testing.assert_allclose(found.compute(), expected, rtol=1e-9)


@pytest.mark.parametrize("name", [name for name in WEIGHTED if name != "fss"] + ["energy_score"])
@pytest.mark.parametrize("skip_missing", [False, True])
@pytest.mark.parametrize("rubbish", [np.nan, np.inf, -np.inf, 1e30])
def test_a_point_without_weight_does_not_count_whatever_it_holds(
    make_pair: MakePair, name: str, skip_missing: bool, rubbish: float
) -> None:
    forecast, analysis = make_pair("random")
    south = forecast["latitude"] < -40
    options = {**CALLS[name](forecast["latitude"]), "skip_missing": skip_missing}
    role = "norm_weights" if name == "energy_score" else "weights"
    options[role] = options[role].where(~south, 0.0)
    beside = {key: value for key, value in options.items() if isinstance(value, xr.DataArray) and key != role}
    north = {"latitude": slice(2, None)}
    without = {key: value.isel(north) if isinstance(value, xr.DataArray) else value for key, value in options.items()}
    expected = scored(name, forecast.isel(north), analysis.isel(north), without)
    spoilt, spoilt_analysis = forecast.where(~south, rubbish), analysis.where(~south, rubbish)
    one_member = forecast.where(~south | (forecast["member"] != 4), rubbish)
    pairs = [(spoilt, spoilt_analysis), (spoilt, analysis), (forecast, spoilt_analysis), (one_member, analysis)]
    pairs.append((spoilt.chunk(latitude=3), spoilt_analysis))
    for pair in pairs:
        xr.testing.assert_allclose(scored(name, *pair, options).compute(), expected)
    if rubbish != 1e30:  # thresholds of 1e30 are finite
        spoilt_beside = {key: value.where(~south, rubbish) for key, value in beside.items()}
        xr.testing.assert_allclose(scored(name, *pairs[0], {**options, **spoilt_beside}), expected)


@pytest.mark.parametrize("name", CALLS)
def test_one_point_with_nothing_but_members(make_pair: MakePair, name: str) -> None:
    point = {"lead_time": 0, "latitude": 2, "longitude": 3}
    forecast, analysis = (field.isel(point, drop=True) for field in make_pair("random"))
    fields = {"reduce", "weights", "norm_weights"}
    options = {
        key: value for key, value in CALLS[name](xr.DataArray([0.0, 1.0], dims="y")).items() if key not in fields
    }
    options |= {"dims": ()} if "dims" in options else {}
    options = {
        key: float(value.isel(y=0)) if isinstance(value, xr.DataArray) else value for key, value in options.items()
    }
    if name in OF_MANY_POINTS:
        with pytest.raises(UnscorableError, match=r"^[a-z]*: expected [^\n]*$"):
            scored(name, forecast, analysis, options)
        return
    found = scored(name, forecast, analysis, options)
    as_one = scored(name, *(field.expand_dims("y", -1) for field in (forecast, analysis)), options)
    xr.testing.assert_allclose(found, as_one.isel(y=0, drop=True))


@pytest.mark.parametrize("name", CALLS)
def test_boolean_fields_are_numbers(make_pair: MakePair, name: str) -> None:
    forecast, analysis = (field > 1.5 for field in make_pair("random"))
    options = {**CALLS[name](forecast["latitude"])}
    found = scored(name, forecast, analysis, options)
    xr.testing.assert_allclose(found, scored(name, forecast.astype(float), analysis.astype(float), options))


def test_slips_in_single_arguments_are_one_line(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    both = analysis.to_dataset(name="t")
    for role, call in {
        "threshold": lambda: verification.brier_score(forecast, analysis, threshold=both),
        "weights": lambda: crps(forecast, analysis, reduce=GRID, weights=both),
        "reduce": lambda: crps(forecast, analysis, reduce=5),
        "order": lambda: verification.variogram_score(forecast, analysis, dims=GRID, order="1"),
        "dims": lambda: energy_score(forecast, analysis, dims="x"),
        "window": lambda: verification.fss(forecast, analysis, threshold=1.0, window=[3, 2.5]),
        "periodic": lambda: verification.fss(forecast, analysis, threshold=1.0, window=3, periodic="lon"),
        "quantiles": lambda: verification.quantile_score(forecast, analysis, quantiles="half"),
        "climatology": lambda: verification.acc(forecast, analysis, climatology=[0.0]),
        "field": lambda: verification.spectrum(forecast.values),
        "histogram": lambda: verification.rank_histogram_test(np.ones(4), cases=3),
        "latitude": lambda: area_weights(forecast["latitude"].values),
    }.items():
        with pytest.raises(UnscorableError, match=rf"^{role}: expected [^\n]*$"):
            call()


def test_bounds_along_a_dimension_of_their_own(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    found = verification.twcrps(forecast, analysis, lower=[0.5, 1.5], reduce="all")
    for lower in (0.5, 1.5):
        expected = verification.twcrps(forecast, analysis, lower=lower, reduce="all")
        xr.testing.assert_allclose(found.sel(threshold=lower, drop=True), expected)
