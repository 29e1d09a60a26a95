"""Scores of ensembles beside their peers."""

import operator

import numpy as np
import properscoring
import scipy
import scores.continuous
import scores.plotdata
import scores.probability
import scoringrules
import xarray as xr
import xskillscore
from score_cases import DIMS, Case, Data, case

from forecast import verification as ours

LOW, HIGH = -0.5, 1.0
THREE = (-1.0, 0.0, 1.0)


def numba(name: str, data: Data, *args: float, **options: object):
    """A univariate score of scoringrules, on members last in memory."""
    function = getattr(scoringrules, name)
    return lambda: function(data.y, data.last, *args, backend="numba", **options)


def sorted_crps(data: Data) -> np.ndarray:
    ordered, count = np.sort(data.x, axis=0), data.members
    weights = (2 * np.arange(count, dtype=np.float32) + 1 - count) / (count * (count - 1))
    return np.abs(data.x - data.y).mean(0) - np.tensordot(weights, ordered, 1)


@case("ensemble_statistics")
def statistics_case(data: Data) -> Case:
    forecast, analysis = data.fields
    return Case(
        lambda: ours.ensemble_statistics(forecast, analysis, threshold=THREE)["fair_crps"],
        {"crps alone: " + name: call for name, call in crps_case(data).peers.items()},
    )


@case("crps")
def crps_case(data: Data) -> Case:
    forecast, analysis = data.fields
    options = {"method": "fair", "preserve_dims": "all"}
    return Case(
        lambda: ours.crps(forecast, analysis),
        {
            "scoringrules fair": numba("crps_ensemble", data, estimator="fair"),
            "scoringrules pwm": numba("crps_ensemble", data, estimator="pwm"),
            "scores": lambda: scores.probability.crps_for_ensemble(forecast, analysis, "member", **options),
            "numpy sort": lambda: sorted_crps(data),
        },
    )


@case("crps: plain")
def plain_crps_case(data: Data) -> Case:
    forecast, analysis = data.fields
    return Case(
        lambda: ours.crps(forecast, analysis, fair=False),
        {
            "properscoring": lambda: properscoring.crps_ensemble(data.y, data.last),
            "xskillscore": lambda: xskillscore.crps_ensemble(analysis, forecast, dim=[]),
            "scoringrules qd": numba("crps_ensemble", data, estimator="qd"),
        },
    )


@case("twcrps")
def twcrps_case(data: Data) -> Case:
    forecast, analysis = data.fields
    return Case(
        lambda: ours.twcrps(forecast, analysis, lower=LOW, upper=HIGH),
        {
            "scoringrules": numba("twcrps_ensemble", data, LOW, HIGH, estimator="fair"),
            "scores": lambda: scores.probability.interval_tw_crps_for_ensemble(
                forecast, analysis, "member", LOW, HIGH, method="fair", preserve_dims="all"
            ),
        },
    )


@case("owcrps", "vrcrps")
def weighted_case(data: Data, name: str) -> Case:
    forecast, analysis = data.fields
    few = slice(0, 1)
    score, x, y = getattr(ours, name), np.ascontiguousarray(data.last[few]).reshape(-1, data.members), data.y[few]

    def theirs() -> np.ndarray:
        found = getattr(scoringrules, f"{name}_ensemble")(y.ravel(), x, LOW, HIGH, backend="numba")
        return np.reshape(found, y.shape)

    one = forecast.isel(lead_time=few), analysis.isel(lead_time=few)
    return Case(lambda: score(*one, lower=LOW, upper=HIGH, fair=False), {"scoringrules": theirs})


@case("crps_decomposition")
def decomposition_case(data: Data) -> Case:
    forecast, analysis = data.fields
    options = {"method": "ecdf", "include_components": True, "reduce_dims": "all"}

    def theirs() -> xr.DataArray:
        parts = scores.probability.crps_for_ensemble(forecast, analysis, "member", **options)
        return parts.sel(component="spread")

    return Case(lambda: ours.crps_decomposition(forecast, analysis, reduce="all")["spread"], {"scores": theirs})


@case("rmse", "ensemble_mean_rmse", "mae", "bias")
def mean_case(data: Data, name: str) -> Case:
    forecast, analysis = data.fields
    score = getattr(ours, name)
    called = {"bias": "additive_bias", "ensemble_mean_rmse": "rmse"}.get(name, name)
    theirs = {"bias": "me", "ensemble_mean_rmse": "rmse"}.get(name, name)

    def plain() -> object:
        error = data.x.mean(0) - data.y
        if "rmse" in name:
            return np.sqrt(np.square(error).mean(dtype=float))
        return (error if name == "bias" else abs(error)).mean(dtype=float)

    return Case(
        lambda: score(forecast, analysis, reduce=DIMS),
        {
            "numpy": plain,
            "scores": lambda: getattr(scores.continuous, called)(forecast.mean("member"), analysis),
            "xskillscore": lambda: getattr(xskillscore, theirs)(forecast.mean("member"), analysis),
        },
        tolerance=1e-3,
    )


@case("spread")
def spread_case(data: Data) -> Case:
    forecast, _ = data.fields
    return Case(
        lambda: ours.spread(forecast, None, reduce=DIMS),
        {
            "numpy": lambda: np.sqrt(data.x.var(axis=0, ddof=1).mean(dtype=float)),
            "xarray": lambda: np.sqrt(forecast.var("member", ddof=1).mean()),
        },
    )


@case("spread_skill_ratio")
def ratio_case(data: Data) -> Case:
    forecast, analysis = data.fields
    share = (data.members + 1) / data.members

    def plain() -> object:
        mean = data.x.mean(0)
        variance = np.square(data.x - mean).sum(0) / (data.members - 1)
        return np.sqrt(share * variance.mean(dtype=float) / np.square(mean - data.y).mean(dtype=float))

    return Case(lambda: ours.spread_skill_ratio(forecast, analysis, reduce=DIMS), {"numpy": plain})


@case("spread_skill_binned")
def binned_case(data: Data) -> Case:
    forecast, analysis = data.fields
    edges = np.linspace(0.5, 1.5, 11)

    def plain() -> np.ndarray:
        mean = data.x.mean(0)
        variance = np.square(data.x - mean).sum(0) / (data.members - 1)
        chosen = np.digitize(np.sqrt(variance).ravel(), edges)
        sums = [np.bincount(chosen, w, 12) for w in (None, np.square(mean - data.y).ravel())]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sqrt(sums[1] / sums[0])[1:-1]

    return Case(
        lambda: ours.spread_skill_binned(forecast, analysis, edges=edges, reduce=DIMS)["rmse"],
        {"numpy": plain},
        tolerance=1e-2,
    )


@case("rank_histogram")
def ranks_case(data: Data) -> Case:
    forecast, analysis = data.fields

    def plain() -> np.ndarray:
        return np.bincount((data.x < data.y).sum(0).ravel(), minlength=data.members + 1) / data.y.size

    def theirs() -> xr.DataArray:
        return xskillscore.rank_histogram(analysis, forecast) / data.y.size

    return Case(
        lambda: ours.rank_histogram(forecast, analysis, reduce=DIMS),
        {
            "numpy, without ties": plain,
            "scores": lambda: scores.probability.rank_histogram(forecast, analysis, "member"),
            "xskillscore": theirs,
        },
    )


@case("rank_histogram_test")
def test_case(data: Data) -> Case:
    shares = ours.rank_histogram(*data.fields, reduce=DIMS).load()
    return Case(
        lambda: ours.rank_histogram_test(shares, cases=1000)["p_value"].sel(part="all"),
        {"scipy chisquare": lambda: scipy.stats.chisquare(shares.values * 1000).pvalue},
    )


@case("pit")
def pit_case(data: Data) -> Case:
    forecast, analysis = data.fields

    def plain() -> np.ndarray:
        return (data.x < data.y).mean(0) + (data.x == data.y).mean(0) / 2

    def theirs() -> xr.DataArray:
        return scores.probability.Pit(forecast, analysis, ensemble_member_dim="member").expected_value()

    return Case(lambda: ours.pit(forecast, analysis), {"numpy": plain, "scores, mean alone": theirs})


@case("brier_score: 1 threshold", "brier_score: 3 thresholds", "rps")
def brier_case(data: Data, name: str) -> Case:
    forecast, analysis = data.fields
    limits = 0.5 if "1" in name else list(THREE)
    several, pairs = np.atleast_1d(limits), data.members - 1

    def plain() -> np.ndarray:
        total = []
        for limit in several:
            p = np.count_nonzero(data.x > np.float32(limit), axis=0) / data.members
            total.append((p - (data.y > np.float32(limit))) ** 2 - p * (1 - p) / pairs)
        return finish(np.stack(total, axis=-1))

    def finish(values: np.ndarray) -> np.ndarray:
        return np.squeeze(values.sum(-1) if name == "rps" else values)

    def theirs() -> np.ndarray:
        found = scores.probability.brier_score_for_ensemble(
            forecast, analysis, "member", limits, preserve_dims="all", event_threshold_operator=operator.gt
        )
        return finish(found.transpose(*DIMS, "threshold").values)

    score = ours.rps if name == "rps" else ours.brier_score
    return Case(lambda: score(forecast, analysis, threshold=limits), {"numpy": plain, "scores": theirs})


@case("brier_score: plain, 3 thresholds")
def plain_brier_case(data: Data) -> Case:
    forecast, analysis = data.fields
    return Case(
        lambda: ours.brier_score(forecast, analysis, threshold=THREE, fair=False),
        {
            "properscoring": lambda: properscoring.threshold_brier_score(data.y, data.last, np.asarray(THREE)),
            "xskillscore": lambda: xskillscore.threshold_brier_score(analysis, forecast, list(THREE), dim=[]).transpose(
                *DIMS, "threshold"
            ),
        },
    )


@case("quantile_score: 1 level", "quantile_score: 9 levels")
def quantile_case(data: Data, name: str) -> Case:
    forecast, analysis = data.fields
    levels = [0.9] if "1" in name else [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]

    def pinball(quantiles: np.ndarray) -> np.ndarray:
        error = quantiles - data.y
        tau = np.asarray(levels, np.float32)[:, None, None, None]
        return np.moveaxis(((error > 0) - tau) * error, 0, -1)

    def between(ordered: np.ndarray) -> np.ndarray:
        place = (data.members - 1) * np.asarray(levels)
        low = place.astype(int)
        share = (place - low).astype(np.float32)[:, None, None, None]
        return ordered[low] * (1 - share) + ordered[np.minimum(low + 1, data.members - 1)] * share

    def ranks() -> list[int]:
        place = ((data.members - 1) * np.asarray(levels)).astype(int)
        return sorted({*place, *np.minimum(place + 1, data.members - 1)})

    def theirs() -> xr.DataArray:
        quantiles = forecast.quantile(levels, "member").astype(np.float32)
        return xr.concat(
            [
                scores.continuous.quantile_score(quantiles.sel(quantile=level), analysis, level, preserve_dims="all")
                for level in levels
            ],
            "quantile",
        ).transpose(*DIMS, "quantile")

    return Case(
        lambda: ours.quantile_score(forecast, analysis, quantiles=levels),
        {
            "numpy sort": lambda: pinball(between(np.sort(data.x, axis=0))),
            "numpy partition": lambda: pinball(between(np.partition(data.x, ranks(), axis=0))),
            "numpy partition, members last": lambda: pinball(
                between(np.moveaxis(np.partition(data.last, ranks(), axis=-1), -1, 0))
            ),
            "scores and xarray": theirs,
        },
        tolerance=1e-3,
    )


@case("dawid_sebastiani", "log_score", "log_score: kernels")
def density_case(data: Data, name: str) -> Case:
    forecast, analysis = data.fields
    if name == "dawid_sebastiani":
        peers = {"scoringrules": numba("dssuv_ensemble", data)}
        return Case(lambda: ours.dawid_sebastiani(forecast, analysis), peers, tolerance=1e-3)
    if name == "log_score":

        def normal() -> np.ndarray:
            return scoringrules.logs_normal(data.y, data.x.mean(0), data.x.std(axis=0, ddof=1), backend="numpy")

        return Case(lambda: ours.log_score(forecast, analysis), {"scoringrules": normal}, tolerance=1e-3)
    few = slice(0, 1)
    one, x = (forecast.isel(lead_time=few), analysis.isel(lead_time=few)), data.last[few]
    peers = {"scoringrules": lambda: scoringrules.logs_ensemble(data.y[few], x, backend="numba")}
    return Case(lambda: ours.log_score(*one, density="kernel"), peers, tolerance=1e-3)
