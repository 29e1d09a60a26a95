"""Scores of probabilities, events, quantiles and forecasts without members, beside their peers."""

import numpy as np
import scipy
import scores.categorical
import scores.continuous
import scores.plotdata
import scores.probability
import scores.spatial
import scoringrules
import xarray as xr
import xskillscore
from score_cases import DIMS, NO_PEER, Case, Data, case, installed

from forecast import verification as ours

LIMIT = 0.5
NO_PEER.update(
    contingency_scores="all scores of a table at once; each is beside its peer",
)


@case("reliability", "roc", "relative_economic_value", "brier_decomposition")
def diagram_case(data: Data, name: str) -> Case:
    forecast, analysis = data.fields
    options = {"threshold": LIMIT, "reduce": DIMS}
    edges, ratios = (np.arange(data.members + 2) - 0.5) / data.members, [0.2, 0.5, 0.7]
    needed = [0.0, *(np.arange(1, data.members + 1) / data.members - 1e-9).tolist()]

    def pair() -> tuple[xr.DataArray, xr.DataArray]:
        return (forecast > LIMIT).mean("member"), (analysis > LIMIT).astype(float)

    def counted() -> tuple[np.ndarray, np.ndarray]:
        hits = np.count_nonzero(data.x > np.float32(LIMIT), axis=0).ravel()
        both = np.bincount(hits + (data.members + 1) * (data.y > LIMIT).ravel(), minlength=2 * data.members + 2)
        quiet, happened = both.reshape(2, -1)
        return quiet + happened, happened

    def frequency() -> np.ndarray:
        issued, happened = counted()
        return happened / np.where(issued > 0, issued, np.nan)

    def hit_rate() -> np.ndarray:
        happened = counted()[1]
        return np.append(np.cumsum(happened[::-1])[::-1], 0) / happened.sum()

    def of_brier() -> object:
        issued, happened = counted()
        rate = happened / np.maximum(issued, 1)
        return (issued * (np.arange(data.members + 1) / data.members - rate) ** 2).sum() / issued.sum()

    def value() -> xr.DataArray:
        found = scores.plotdata.relative_economic_value(
            *pair(), cost_loss_ratios=ratios, probability_thresholds=needed[1:]
        )
        return found.transpose("cost_loss_ratio", ...)

    def their_curve() -> xr.DataArray:
        chance, happened = pair()
        return xskillscore.reliability(happened > 0, chance, probability_bin_edges=edges)

    if name == "reliability":
        peers = {"numpy": frequency, "xskillscore": their_curve}
        return Case(lambda: ours.reliability(forecast, analysis, **options)["observed_frequency"], peers)
    if name == "roc":
        peers = {"numpy": hit_rate, "scores": lambda: scores.plotdata.roc(*pair(), thresholds=needed)["POD"]}
        return Case(lambda: ours.roc(forecast, analysis, **options)["hit_rate"], peers)
    if name == "brier_decomposition":
        call = lambda: ours.brier_decomposition(forecast, analysis, **options)["reliability"]  # noqa: E731
        return Case(call, {"numpy": of_brier})
    kept = slice(1, data.members + 1)
    return Case(
        lambda: ours.relative_economic_value(forecast, analysis, cost_loss_ratios=ratios, **options)[
            "value_by_threshold"
        ].isel(members_needed=kept),
        {"scores": value},
    )


@case("brier_score_of_probability", "reliability_of_probability", "roc_of_probability")
def probability_case(data: Data, name: str) -> Case:
    chance, happened = data.probability
    p, o, metrics = chance.values, happened.values, installed("sklearn.metrics")
    if name == "brier_score_of_probability":
        peers = {
            "numpy": lambda: np.square(p - o),
            "scores": lambda: scores.probability.brier_score(chance, happened, preserve_dims="all"),
            "xskillscore": lambda: xskillscore.brier_score(happened, chance, dim=[]),
            "scoringrules": lambda: scoringrules.brier_score(o, p, backend="numpy"),
        }
        return Case(lambda: ours.brier_score_of_probability(chance, happened), peers)
    if name == "roc_of_probability":
        needed = [0.0, *(np.arange(1, data.members + 1) / data.members - 1e-9).tolist(), 1.0]
        call = lambda: ours.roc_of_probability(chance, happened, reduce=DIMS, levels=data.members)["area"]  # noqa: E731
        peers = {"scores": lambda: scores.plotdata.roc(chance, happened, thresholds=needed)["AUC"]}
        if metrics:
            peers["scikit-learn"] = lambda: metrics.roc_auc_score(o.ravel(), p.ravel())
        return Case(call, peers)
    edges = np.append(np.arange(10) / 10 - 1e-9, 1 + 1e-9)
    inner = edges[1:-1]

    def plain() -> np.ndarray:
        chosen = np.digitize(p.ravel(), inner)
        return np.bincount(chosen, o.ravel(), 10) / np.bincount(chosen, minlength=10)

    peers = {
        "numpy": plain,
        "xskillscore": lambda: xskillscore.reliability(happened > 0, chance, probability_bin_edges=edges),
    }
    return Case(lambda: ours.reliability_of_probability(chance, happened, reduce=DIMS)["observed_frequency"], peers)


@case("rps_of_probability")
def rps_case(data: Data) -> Case:
    forecast, analysis = data.fields
    limits = xr.DataArray([-1.0, 0.0, 1.0], dims="threshold", coords={"threshold": [-1.0, 0.0, 1.0]})
    above = xr.concat([(forecast > float(limit)).mean("member") for limit in limits], limits)
    p, numbers = np.moveaxis(above.values, 0, -1).copy(), limits.values
    classes = np.diff(1 - p, axis=-1, prepend=0.0, append=1.0)

    def plain() -> np.ndarray:
        return np.square(p - (data.y[..., None] > numbers)).sum(-1)

    def theirs() -> np.ndarray:
        category = np.searchsorted(numbers, data.y) + 1
        return scoringrules.rps_score(category, classes, onehot=False, backend="numpy")

    return Case(lambda: ours.rps_of_probability(above, analysis), {"numpy": plain, "scoringrules": theirs})


@case("quantile_score_of_quantiles", "crps_of_quantiles", "interval_score")
def quantiles_case(data: Data, name: str) -> Case:
    levels = np.arange(1, 20) / 20
    last = np.quantile(data.x[:20], levels, axis=0).astype(np.float32)
    forecast = xr.DataArray(last, dims=("quantile", *DIMS), coords={"quantile": levels, **data.fields[1].coords})
    analysis, q, y = data.fields[1], np.moveaxis(last, 0, -1).copy(), data.y
    low, high = forecast.sel(quantile=0.05, drop=True), forecast.isel(quantile=-1, drop=True)

    def pinball() -> np.ndarray:
        error = q - y[..., None]
        return ((error > 0) - levels.astype(np.float32)) * error

    if name == "interval_score":
        theirs = scores.continuous.interval_score
        peers = {
            "scoringrules": lambda: scoringrules.interval_score(y, low.values, high.values, 0.1, backend="numpy"),
            "scores": lambda: theirs(low, high, analysis, 0.9, preserve_dims="all")["total"],
        }
        return Case(lambda: ours.interval_score(forecast, analysis, level=0.9)["score"], peers)
    if name == "crps_of_quantiles":
        peers = {"scoringrules": lambda: scoringrules.crps_quantile(y, q, levels, backend="numba")}
        return Case(lambda: ours.crps_of_quantiles(forecast, analysis), peers, tolerance=0.2)
    peers = {
        "numpy": pinball,
        "scoringrules": lambda: scoringrules.quantile_score(y[..., None], q, levels, backend="numpy"),
    }
    return Case(lambda: ours.quantile_score_of_quantiles(forecast, analysis), peers, tolerance=1e-3)


MANAGER = {
    "pod": "probability_of_detection",
    "pofd": "probability_of_false_detection",
    "far": "false_alarm_ratio",
    "csi": "critical_success_index",
    "ets": "equitable_threat_score",
    "hss": "heidke_skill_score",
    "pss": "peirce_skill_score",
    "sedi": "symmetric_extremal_dependence_index",
    "frequency_bias": "frequency_bias",
    "accuracy": "accuracy",
}


@case("contingency_table", *MANAGER)
def table_case(data: Data, name: str) -> Case:
    """From the fields to the score, the table included."""
    forecast, analysis = data.one
    x, y = forecast.values, analysis.values

    def table() -> xr.Dataset:
        return ours.contingency_table(forecast, analysis, threshold=LIMIT, reduce=DIMS)

    def theirs() -> scores.categorical.BasicContingencyManager:
        events = scores.categorical.ThresholdEventOperator(default_event_threshold=LIMIT, default_op_fn=np.greater)
        return events.make_contingency_manager(forecast, analysis).transform()

    def plain() -> np.ndarray:
        above, seen = x > np.float32(LIMIT), y > np.float32(LIMIT)
        return np.count_nonzero(above & seen)

    if name == "contingency_table":
        counts = lambda: theirs().get_counts()["tp_count"]  # noqa: E731
        return Case(lambda: table()["hits"], {"scores": counts, "numpy, hits alone": plain})
    score, called = getattr(ours, name), MANAGER[name]

    def their_score() -> xr.DataArray:
        return getattr(theirs(), called)()

    return Case(lambda: score(table()), {"scores": their_score})


@case("correlation", "kge", "nse", "quantile_quantile")
def continuous_case(data: Data, name: str) -> Case:
    forecast, analysis = data.one
    x, y = forecast.values.ravel(), analysis.values.ravel()
    pearson = scores.continuous.correlation.pearsonr
    if name == "quantile_quantile":
        levels = [0.1, 0.5, 0.9]
        peers = {"numpy": lambda: (np.quantile(x, levels), np.quantile(y, levels))[0]}
        call = lambda: ours.quantile_quantile(forecast, analysis, quantiles=levels, reduce=DIMS)["forecast"]  # noqa: E731
        return Case(call, peers)
    theirs = {
        "correlation": lambda: pearson(forecast, analysis),
        "kge": lambda: scores.continuous.kge(forecast, analysis),
        "nse": lambda: scores.continuous.nse(forecast, analysis),
    }[name]
    peers = {"scores": theirs}
    if name == "correlation":
        peers |= {
            "numpy": lambda: np.corrcoef(x, y)[0, 1],
            "scipy": lambda: scipy.stats.pearsonr(x, y).statistic,
            "xskillscore": lambda: xskillscore.pearson_r(forecast, analysis),
        }
    score = getattr(ours, name)
    if name == "kge":
        return Case(lambda: score(forecast, analysis, reduce=DIMS)["kge"], peers, tolerance=1e-2)
    return Case(lambda: score(forecast, analysis, reduce=DIMS), peers, tolerance=1e-2)


@case("angular_errors")
def angular_case(data: Data) -> Case:
    forecast, analysis = (field % 360 for field in (data.one[0] * 100, data.one[1] * 100))
    return Case(
        lambda: ours.angular_errors(forecast, analysis, reduce=DIMS)["mae"],
        {"scores": lambda: scores.continuous.mae(forecast, analysis, is_angular=True)},
    )


@case("murphy_diagram", "firm")
def elementary_case(data: Data, name: str) -> Case:
    forecast, analysis = data.one
    limits = [-1.0, 0.0, 1.0]
    if name == "firm":
        theirs = scores.categorical.firm
        peers = {"scores": lambda: theirs(forecast, analysis, 0.7, limits, [1, 1, 1], preserve_dims="all")}
        return Case(lambda: ours.firm(forecast, analysis, threshold=limits, risk=0.7)["score"], peers)
    options = {"functional": "expectile", "alpha": 0.5}

    def diagram() -> xr.DataArray:
        return scores.plotdata.murphy_score(forecast, analysis, limits, **options)["total"]

    call = lambda: ours.murphy_diagram(forecast, analysis, threshold=limits, reduce=DIMS)["score"]  # noqa: E731
    return Case(call, {"scores": diagram})


@case("skill")
def skill_case(data: Data) -> Case:
    score, reference = data.fields[1] ** 2, data.fields[1] ** 2 + 1
    return Case(lambda: ours.skill(score, reference), {"xarray": lambda: 1 - score / reference})
