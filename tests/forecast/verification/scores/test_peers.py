"""Our scores against other libraries, on ensembles of every awkward kind, and on real ones where there are any."""

import importlib
import operator
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from forecast.verification import (
    bias,
    brier_score,
    crps,
    crps_decomposition,
    dawid_sebastiani,
    energy_score,
    ensemble_mean_rmse,
    firm,
    fss,
    log_score,
    mae,
    multivariate_dawid_sebastiani,
    murphy_diagram,
    owcrps,
    pit,
    quantile_score,
    rank_histogram,
    relative_economic_value,
    reliability,
    roc,
    rps,
    seeps,
    spread,
    twcrps,
    variogram_score,
    vrcrps,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")
TIED = {"tied", "constant"}


@pytest.fixture(autouse=True)
def _their_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def peer(name: str) -> ModuleType:
    return importlib.import_module(name)


def same(ours: xr.DataArray, theirs: object, *, scale: float = 1.0) -> None:
    """To 1e-6, relative to the value, or near 0 to the size of the numbers that cancel in it."""
    np.testing.assert_allclose(ours.values, np.asarray(theirs, dtype=float), rtol=1e-6, atol=1e-9 * max(scale, 1.0))


def last(forecast: xr.DataArray) -> np.ndarray:
    return np.asarray(forecast.transpose(..., "member").values, dtype=float)


def levels(analysis: xr.DataArray) -> list[float]:
    """Thresholds that some analyses exceed, whatever the unit; analyses that are tied lie on them."""
    return np.quantile(analysis.values, [0.2, 0.5, 0.8]).tolist()


def test_crps_and_its_kin(make_pair: MakePair, kind: str) -> None:
    rules = peer("scoringrules")
    forecast, analysis = make_pair(kind)
    x, y = last(forecast), analysis.values.astype(float)
    low, _, high = levels(analysis)
    same(crps(forecast, analysis, fair=False), peer("properscoring").crps_ensemble(y, x), scale=abs(high))
    plain = {"estimator": "nrg", "backend": "numpy"}
    expected = rules.twcrps_ensemble(y, x, low, high, **plain)
    same(twcrps(forecast, analysis, lower=low, upper=high, fair=False), expected, scale=abs(high))
    if x.shape[-1] > 1:
        fair = {"estimator": "fair", "backend": "numpy"}
        same(crps(forecast, analysis), rules.crps_ensemble(y, x, **fair), scale=abs(high))
        same(twcrps(forecast, analysis, lower=low), rules.twcrps_ensemble(y, x, low, **fair), scale=abs(high))


def test_scores_of_the_normal_distribution(make_pair: MakePair, kind: str) -> None:
    rules = peer("scoringrules")
    forecast, analysis = make_pair(kind)
    x, y = last(forecast), analysis.values.astype(float)
    if kind in {"constant", "single"}:
        assert dawid_sebastiani(forecast, analysis).isnull().all()
        assert log_score(forecast, analysis).isnull().all()
        return
    some = x.std(axis=-1) > 0  # theirs is infinite where members are tied ...
    ours = dawid_sebastiani(forecast, analysis)
    assert (ours.notnull().values == some).all()
    same(ours.where(some, 0.0), np.where(some, rules.dssuv_ensemble(y, x, backend="numpy"), 0.0))
    theirs = rules.logs_normal(y, x.mean(axis=-1), x.std(axis=-1, ddof=1), backend="numpy")
    some &= theirs < 700  # ... or the density underflows
    same(log_score(forecast, analysis).where(some, 0.0), np.where(some, theirs, 0.0))


def test_outcomes_that_matter_more(make_pair: MakePair, kind: str) -> None:
    rules = peer("scoringrules")
    forecast, analysis = make_pair(kind)
    x, y = last(forecast).reshape(analysis.size, -1), analysis.values.astype(float).ravel()
    low, _, high = levels(analysis)
    theirs = rules.owcrps_ensemble(y, x, low, high, backend="numpy").reshape(analysis.shape)
    ours = owcrps(forecast, analysis, lower=low, upper=high, fair=False)
    empty = ~((forecast >= low) & (forecast <= high)).any("member")  # they divide by zero there
    seen = (analysis >= low) & (analysis <= high)
    assert (ours.isnull() == (empty & seen)).all()
    same(ours.where(~empty, 0.0), np.where(empty, 0.0, theirs), scale=abs(high))
    theirs = rules.vrcrps_ensemble(y, x, low, high, backend="numpy").reshape(analysis.shape)
    same(vrcrps(forecast, analysis, lower=low, upper=high, fair=False), theirs, scale=abs(high))


def test_densities_of_kernels(make_pair: MakePair, kind: str) -> None:
    rules = peer("scoringrules")
    forecast, analysis = make_pair(kind)
    x, y = last(forecast), analysis.values.astype(float)
    width = max(float(analysis.std()), 1e-3)
    theirs = rules.logs_ensemble(y, x, bw=np.full(y.shape, width), backend="numpy")
    same(log_score(forecast, analysis, density="kernel", bandwidth=width), theirs)
    some = np.ptp(np.quantile(x, [0.25, 0.75], axis=-1), axis=0) > 0  # their kernels have no width elsewhere
    theirs = rules.logs_ensemble(y, x, backend="numpy")
    some &= theirs < 700  # or the density underflows
    same(log_score(forecast, analysis, density="kernel").where(some, 0.0), np.where(some, theirs, 0.0))


def test_covariances(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = (field.isel(latitude=slice(3)) for field in make_pair(kind))
    ours = multivariate_dawid_sebastiani(forecast, analysis, dims=("latitude",))
    regular = ours.notnull().values
    assert regular.all() or kind in {"constant", "single", "pair", "tied"}
    x, y = np.moveaxis(last(forecast), 1, -1), np.moveaxis(analysis.values.astype(float), 1, -1)
    theirs = peer("scoringrules").dssmv_ensemble(y[regular], x[regular], backend="numpy") if regular.any() else []
    np.testing.assert_allclose(ours.values[regular], theirs, rtol=1e-6)


def test_scores_by_threshold(make_pair: MakePair, kind: str) -> None:
    diagram, categorical = peer("scores.plotdata"), peer("scores.categorical")
    forecast, analysis = (field.astype(float) for field in make_pair(kind))
    value, thresholds, size = forecast.mean("member"), sorted(set(levels(analysis))), float(abs(analysis).max())
    for functional, level in (("mean", 0.5), ("quantile", 0.8), ("expectile", 0.3)):
        ours = murphy_diagram(value, analysis, threshold=thresholds, functional=functional, level=level, reduce=GRID)
        called = "expectile" if functional == "mean" else functional
        options = {"functional": called, "alpha": level, "decomposition": True, "preserve_dims": ["lead_time"]}
        theirs = diagram.murphy_score(value, analysis, thresholds, **options).rename(theta="threshold")
        for part, name in (("score", "total"), ("over", "overforecast"), ("under", "underforecast")):
            same(ours[part], theirs[name].transpose(*ours[part].dims), scale=size)
    weights = list(range(1, len(thresholds) + 1))
    for strict, side, distance in ((True, "lower", 0.0), (False, "upper", 0.7), (True, "lower", np.inf)):
        options = {"risk": 0.7, "threshold_weights": weights, "discount_distance": distance, "strict": strict}
        ours = firm(value, analysis, threshold=thresholds, reduce=GRID, **options)
        theirs = categorical.firm(
            value, analysis, 0.7, thresholds, weights, discount_distance=distance, preserve_dims=["lead_time"],
            threshold_assignment=side, include_components=True,
        )  # fmt: skip
        for part, name in (("score", "firm_score"), ("over", "overforecast_penalty")):
            same(ours[part], theirs.sel(components=name), scale=size)


def test_windows_beyond_the_field(make_pair: MakePair, kind: str) -> None:
    """Even windows as they count them; of odd ones they count one more row and column on one side."""
    forecast, analysis = (field.isel(lead_time=slice(3)) for field in make_pair(kind))
    threshold, first = levels(analysis)[1], forecast.isel(member=0)
    theirs = peer("scores.spatial")
    ours = fss(first, analysis, threshold=threshold, window=[2, 4], zero_padding=True)
    options = {"event_threshold": threshold, "spatial_dims": GRID, "threshold_operator": np.greater}
    options["preserve_dims"] = ["lead_time"]
    seen = ((first > threshold) | (analysis > threshold)).any(GRID).values
    for size in (2, 4):
        expected = theirs.fss_2d(first, analysis, window_size=(size, size), zero_padding=True, **options)
        same(ours.sel(window=size)[seen], expected[seen])
    around = dict.fromkeys(GRID, (1, 1))
    wider = [field.pad(around, constant_values=threshold) for field in (first, analysis)]
    expected = theirs.fss_2d(*wider, window_size=(3, 3), zero_padding=False, **options)
    same(fss(first, analysis, threshold=threshold, window=3, zero_padding=True)[seen], expected[seen])


def test_scores_of_fields(make_pair: MakePair, kind: str) -> None:
    rules, spatial = peer("scoringrules"), peer("scores.spatial")
    forecast, analysis = make_pair(kind)
    x, y = last(forecast), analysis.values.astype(float)
    fields = [(y[lead].ravel(), x[lead].reshape(-1, x.shape[-1]).T) for lead in range(len(y))]
    plain = {"estimator": "nrg", "backend": "numpy"}
    same(energy_score(forecast, analysis, dims=GRID, fair=False), [rules.es_ensemble(*f, **plain) for f in fields])
    pairs = [rules.vs_ensemble(*f, p=0.5, backend="numpy") for f in fields[:3]]
    first = {"lead_time": slice(3)}
    same(variogram_score(forecast.isel(first), analysis.isel(first), dims=GRID), pairs)
    if x.shape[-1] > 1:
        fair = {"estimator": "fair", "backend": "numpy"}
        same(energy_score(forecast, analysis, dims=GRID), [rules.es_ensemble(*f, **fair) for f in fields])
    threshold = levels(analysis)[1]
    options = {"event_threshold": threshold, "window_size": (3, 3), "zero_padding": False}
    one = forecast.isel(member=[0])
    single = zip(one.isel(member=0).values, analysis.values, strict=True)
    expected = np.array([spatial.fss_2d_single_field(*f, **options, threshold_operator=np.greater) for f in single])
    events = ((one > threshold) | (analysis > threshold)).any(["member", *GRID]).values
    ours = fss(one, analysis, threshold=threshold, window=3)
    assert (ours.notnull().values == events).all()
    same(ours[events], expected[events])


def test_moments(make_pair: MakePair, kind: str) -> None:
    continuous, skill = peer("scores.continuous"), peer("xskillscore")
    forecast, analysis = (field.astype(float) for field in make_pair(kind))
    dims, mean, size = list(GRID), forecast.mean("member"), float(abs(analysis).max())
    same(ensemble_mean_rmse(forecast, analysis, reduce=GRID), skill.rmse(mean, analysis, dim=dims))
    same(mae(forecast, analysis, reduce=GRID), continuous.mae(mean, analysis, preserve_dims=["lead_time"]))
    theirs = continuous.additive_bias(mean, analysis, preserve_dims=["lead_time"])
    same(bias(forecast, analysis, reduce=GRID), theirs, scale=size)
    if forecast.sizes["member"] > 1:
        expected = np.sqrt(forecast.var("member", ddof=1).mean(dims))
        same(spread(forecast, None, reduce=GRID), expected)
    ours = quantile_score(forecast, analysis, quantiles=[0.3]).squeeze("quantile")
    quantile = forecast.quantile(0.3, "member", keep_attrs=True).drop_vars("quantile")
    theirs = continuous.quantile_score(quantile, analysis, alpha=0.3, preserve_dims="all")
    same(ours, theirs.transpose(*ours.dims), scale=size)


def test_parts_of_the_crps(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    theirs = peer("scores.probability").crps_for_ensemble(
        forecast.astype(float),
        analysis.astype(float),
        "member",
        method="ecdf",
        include_components=True,
        preserve_dims=["lead_time"],
    )
    parts, size = crps_decomposition(forecast, analysis, reduce=GRID), float(abs(analysis).max())
    same(parts["under"], theirs.sel(component="underforecast_penalty"), scale=size)
    same(parts["over"], theirs.sel(component="overforecast_penalty"), scale=size)
    same(parts["spread"], theirs.sel(component="spread"), scale=size)


def test_events(make_pair: MakePair, kind: str) -> None:
    skill, probability = peer("xskillscore"), peer("scores.probability")
    forecast, analysis = make_pair(kind)
    dims, thresholds = list(GRID), sorted(set(levels(analysis)))
    ours = brier_score(forecast, analysis, threshold=thresholds[0], fair=False, reduce=GRID)
    same(ours, skill.threshold_brier_score(analysis, forecast, thresholds[0], dim=dims))
    for strict, exceeds in ((True, operator.gt), (False, operator.ge)):
        if forecast.sizes["member"] > 1:
            theirs = probability.brier_score_for_ensemble(
                forecast, analysis, "member", thresholds, preserve_dims=["lead_time"], event_threshold_operator=exceeds
            )
            ours = brier_score(forecast, analysis, threshold=thresholds, strict=strict, reduce=GRID)
            same(ours, theirs.transpose("lead_time", "threshold"))
            if strict:
                same(rps(forecast, analysis, thresholds=thresholds, reduce=GRID), theirs.sum("threshold"))
    if kind not in TIED:  # they put values on an edge in the upper category
        edges = np.array([-1e9, *thresholds, 1e9]) + 1e-9
        ours = rps(forecast, analysis, thresholds=thresholds, fair=False, reduce=GRID)
        same(ours, skill.rps(analysis, forecast, category_edges=edges, dim=dims, member_dim="member"))


def test_ranks(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    ours = rank_histogram(forecast, analysis, reduce=analysis.dims)
    same(ours, peer("scores.probability").rank_histogram(forecast, analysis, "member"))
    x, y = last(forecast).reshape(analysis.size, -1), analysis.values.ravel()
    shares = [stats.percentileofscore(members, value, kind="mean") / 100 for members, value in zip(x, y, strict=True)]
    same(pit(forecast, analysis), np.reshape(shares, analysis.shape))
    mean = peer("scores.probability").Pit(forecast, analysis, ensemble_member_dim="member").expected_value()
    same(pit(forecast, analysis, reduce=analysis.dims), mean)


def test_reliability_and_relative_operating_characteristic(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    threshold, members = levels(analysis)[1], forecast.sizes["member"]
    chance, happened = (forecast > threshold).mean("member"), (analysis > threshold).astype(float)
    options = {"threshold": threshold, "reduce": analysis.dims}

    curve = roc(forecast, analysis, **options)
    needed = [0.0, *(np.arange(1, members + 1) / members - 1e-9).tolist()]  # they add one that is never exceeded
    theirs = peer("scores.plotdata").roc(chance, happened, thresholds=needed)
    same(curve["hit_rate"], theirs["POD"])
    same(curve["false_alarm_rate"], theirs["POFD"])
    same(curve["area"], theirs["AUC"])

    diagram = reliability(forecast, analysis, **options)
    edges = (np.arange(members + 2) - 0.5) / members
    theirs = peer("xskillscore").reliability(happened > 0, chance, probability_bin_edges=edges)
    same(diagram["observed_frequency"], theirs)
    same(diagram["share"] * analysis.size, theirs["samples"])
    isotonic = peer("scores.probability").isotonic_fit(chance, happened)
    ours = diagram["corp_frequency"].dropna("probability")
    same(ours, np.interp(ours["probability"], isotonic["fcst_sorted"], isotonic["regression_values"]))


def test_precipitation_and_value(make_pair: MakePair) -> None:
    categorical, plotdata = peer("scores.categorical"), peer("scores.plotdata")
    forecast, analysis = make_pair("random")
    dry = xr.full_like(analysis.isel(lead_time=0, drop=True), 0.4)
    theirs = categorical.seeps(
        forecast.isel(member=0, drop=True), analysis, dry, dry + 2.1, dry_light_threshold=1.0, preserve_dims="all"
    )
    ours = seeps(forecast.isel(member=[0]), analysis, dry_fraction=dry, heavy_threshold=dry + 2.1, dry_threshold=1.0)
    same(ours, theirs)
    ratios = [0.2, 0.5, 0.7]
    value = relative_economic_value(forecast, analysis, threshold=1.5, reduce=analysis.dims, cost_loss_ratios=ratios)
    probability, happened = (forecast > 1.5).mean("member"), (analysis > 1.5).astype(float)
    needed = (np.arange(1, 10) / 9 - 1e-9).tolist()
    theirs = plotdata.relative_economic_value(
        probability, happened, cost_loss_ratios=ratios, probability_thresholds=needed
    )
    same(value["value_by_threshold"].isel(members_needed=slice(1, 10)), theirs.transpose("cost_loss_ratio", ...))
