"""Numbers that the tests of other libraries expect: worked by hand there, or by another implementation.

Sources: tests/probability/{crps_test_data,brier_test_data,test_rank_hist}.py and tests/spatial/test_fss.py of
nci/scores; tests/test_{crps,wcrps,energy,variogram,dss,interval,quantile}.py of frazane/scoringrules;
properscoring/tests/test_{crps,brier}.py of properscoring/properscoring;
xskillscore/tests/test_{probabilistic,contingency}.py of xarray-contrib/xskillscore.
"""

import numpy as np
import pytest
import xarray as xr

from forecast import verification as v

NAN = np.nan
PLAIN = {"fair": False}
SKIP = {"skip_missing": True}


def ensembles(members: object, analyses: object) -> tuple[xr.DataArray, xr.DataArray]:
    """Members along the last axis, and the analyses of all cases."""
    dims = ("case", "member")[-np.ndim(members) :]  # type: ignore[arg-type]
    return xr.DataArray(members, dims=dims).astype(float), xr.DataArray(analyses, dims=dims[:-1]).astype(float)


# nci/scores

OF_SCORES = ensembles(
    [[0, 4, 3, 7], [1, -1, 2, 4], [0, 1, 4, NAN], [2, 3, 4, 1], [2, NAN, NAN, NAN]], [2, 3, 1, NAN, 4]
)
ERRORS = np.array([10 / 4, 8 / 4, 4 / 3, NAN, 2])
SPREADS = np.array([44 / 32, 32 / 32, 16 / 18, NAN, 0])
FAIR_SPREADS = np.array([44 / 24, 32 / 24, 16 / 12, NAN, NAN])


def test_scores_crps_for_ensemble() -> None:
    np.testing.assert_allclose(v.crps(*OF_SCORES, **PLAIN, **SKIP), ERRORS - SPREADS)
    np.testing.assert_allclose(v.crps(*OF_SCORES, **SKIP), ERRORS - FAIR_SPREADS)
    weights = xr.DataArray([1, 2, 1, 0, 2], dims="case")
    expected = np.nansum((ERRORS - SPREADS) * weights.values) / 6
    np.testing.assert_allclose(v.crps(*OF_SCORES, reduce="case", weights=weights, **PLAIN, **SKIP), expected)


@pytest.mark.parametrize(
    ("limits", "errors", "spreads"),
    [
        ({"lower": 1}, [9 / 4, 6 / 4, 3 / 3, NAN, 2], [38 / 32, 20 / 32, 12 / 18, NAN, 0]),
        ({"upper": 1}, [1 / 4, 2 / 4, 1 / 3, NAN, 0], [6 / 32, 12 / 32, 4 / 18, NAN, 0]),
        ({"lower": 2, "upper": 5}, [6 / 4, 4 / 4, 2 / 3, NAN, 2], [20 / 32, 12 / 32, 8 / 18, NAN, 0]),
        (
            {"lower": xr.DataArray([NAN, 1.0, 10.0, 1.0, -2.0], dims="case")},
            [NAN, 6 / 4, 0, NAN, 2],
            [NAN, 20 / 32, 0, NAN, 0],
        ),
    ],
)
def test_scores_tail_and_interval_twcrps(limits: dict, errors: list[float], spreads: list[float]) -> None:
    found = v.twcrps(*OF_SCORES, **limits, **PLAIN, **SKIP)
    known = ~np.isnan(np.asarray(errors))
    np.testing.assert_allclose(found[known], (np.asarray(errors) - spreads)[known])


def test_scores_decomposition_of_the_crps() -> None:
    forecast, analysis = (field.isel(case=[0, 1]) for field in OF_SCORES)
    for case, (under, over) in enumerate([(2 / 4, 8 / 4), (7 / 4, 1 / 4)]):
        parts = v.crps_decomposition(forecast.isel(case=[case]), analysis.isel(case=[case]), reduce="case")
        found = [float(parts[name]) for name in ("under", "over", "spread")]
        assert found == pytest.approx([under, over, SPREADS[case]])


def test_scores_brier_score_for_ensemble() -> None:
    forecast, analysis = ensembles(
        [[0, 4, 3, 7], [0, -1, 2, 4], [0, 1, 4, NAN], [2, 3, 4, 1], [0, NAN, NAN, NAN]], [0, 3, 1, NAN, 4]
    )
    plain = np.array([(3 / 4) ** 2, (2 / 4 - 1) ** 2, (2 / 3 - 1) ** 2, NAN, 1])
    fair = np.array([3 / (16 * 3), 4 / (16 * 3), 2 / (9 * 2), NAN, NAN])  # one member: the correction is undefined here
    options = {"threshold": 1, "strict": False, **SKIP}
    np.testing.assert_allclose(v.brier_score(forecast, analysis, **options, **PLAIN), plain)
    np.testing.assert_allclose(v.brier_score(forecast, analysis, **options), plain - fair, atol=1e-15)
    above = v.brier_score(forecast, analysis, threshold=1, **SKIP, **PLAIN)
    np.testing.assert_allclose(above, [(3 / 4) ** 2, (2 / 4 - 1) ** 2, (1 / 3) ** 2, NAN, 1])
    far = v.brier_score(forecast, analysis, threshold=[-100, 100], strict=False, **SKIP, **PLAIN)
    assert set(np.unique(far.dropna("case"))) == {0.0}


def test_scores_brier_score_of_probabilities() -> None:
    probability = xr.DataArray([[[0.5, 0], [0, 0.5], [1, 0]], [[0.5, 0], [0.5, 0], [0, NAN]]], dims=("a", "b", "c"))
    happened = xr.DataArray([[[1, 0], [0, 0], [NAN, 0]], [[0, 0], [1, 0], [0, 1]]], dims=("a", "b", "c"))
    assert float(v.brier_score_of_probability(probability, happened, reduce="all", **SKIP)) == pytest.approx(0.1)
    kept = v.brier_score_of_probability(0.5 * probability, happened, preserve="a", **SKIP)
    np.testing.assert_allclose(kept, [0.125, 0.125])


def test_scores_rank_histogram() -> None:
    forecast = xr.DataArray(
        [
            [[2, 4, 1, 5], [3, 3, 3, 0], [3, NAN, 2, 1]],
            [[5, 7, 9, 7], [1, 3, 2, 1], [2, 6, 4, 4]],
            [[4, 3, 6, 5], [2, 5, 3, 7], [1, 4, 2, 6]],
        ],
        dims=("case", "lead_day", "ens_member"),
    )
    analysis = xr.DataArray([3, 4, NAN], dims="case").broadcast_like(forecast.isel(ens_member=0))
    parts = np.array([1, 1 / 4 + 1 / 3, 1 + 1 / 4 + 1 / 3, 1 / 4 + 1 / 3, 1 + 1 / 4])
    np.testing.assert_allclose(v.rank_histogram(forecast, analysis, reduce="all", **SKIP), parts / 5)
    weights = xr.DataArray([2, 1, 4], dims="case")
    parts = np.array([1, 2 / 4 + 1 / 3, 2 + 2 / 4 + 1 / 3, 2 / 4 + 1 / 3, 1 + 2 / 4])
    found = v.rank_histogram(forecast, analysis, reduce="all", weights=weights, **SKIP)
    np.testing.assert_allclose(found, parts / 7)
    found = v.rank_histogram(forecast, analysis, preserve="lead_day", **SKIP)
    expected = [[1 / 2, 0, 1 / 2, 0, 0], [0, 1 / 8, 1 / 8, 1 / 8, 5 / 8], [0, 1 / 3, 1 / 3, 1 / 3, 0]]
    np.testing.assert_allclose(found.transpose("lead_day", "rank"), expected)


@pytest.mark.parametrize(
    ("window", "threshold", "expected"),
    [(2, 2.0, 0.968515), (2, 8.0, 0.779375), (5, 2.0, 0.993892), (5, 8.0, 0.942294)],
)
def test_scores_fss(window: int, threshold: float, expected: float) -> None:
    sample_data = pytest.importorskip("scores.sample_data")
    forecast = sample_data.continuous_forecast(large_size=False, lead_days=True)
    analysis = sample_data.continuous_observations(large_size=False)
    forecast = forecast.sel(time=forecast["time"].isin(analysis["time"]))
    analysis = analysis.sel(time=forecast["time"]).expand_dims(lead_time=forecast["lead_time"])
    found = v.fss(forecast, analysis, threshold=threshold, window=window, reduce="all")
    assert float(found) == pytest.approx(expected, rel=1e-5)


# frazane/scoringrules

MEMBERS = [
    1.7812118, 0.5863797, 0.7038174, -0.7743998, -0.2751647, 1.1863249, 1.2990966, -0.3242982, -0.5968781, 0.9064937
]  # fmt: skip
OF_RULES = ensembles(
    [
        [-0.03574194, 0.06873582, 0.03098684, 0.07316138, 0.08498165],
        [-0.11957874, 0.26472238, -0.06324622, 0.43026451, -0.25640457],
        [-1.31340831, -1.43722153, -1.01696021, -0.70790148, -1.20432392],
        [1.26054027, 1.03477874, 0.61688454, 0.75305795, 1.19364529],
        [0.63192933, 0.33521695, 0.20626017, 0.43158264, 0.69518928],
        [0.83305233, 0.71965134, 0.96687378, 1.0000473, 0.82714425],
        [0.0128655, 0.03849841, 0.02459106, -0.02618909, 0.18687008],
        [-0.69399216, -0.59432627, -1.43629972, 0.01979857, -0.3286767],
        [1.92958764, 2.2678255, 1.86036922, 1.84766384, 2.03331138],
        [0.80847492, 1.11265193, 0.58995365, 1.04838184, 1.10439277],
    ],
    [
        0.19640722, -0.11300369, -1.0400268, 0.84306533, 0.36572078, 0.82487264, 0.14088773, -0.51936113, 1.70706264,
        0.75985908,
    ],
)  # fmt: skip
TWO_PLACES = xr.DataArray(
    [[0.79546742, 0.4777960, 0.2164079, 0.5409873], [0.02461368, 0.7584595, 0.3181810, 0.1319422]],
    dims=("place", "member"),
)
AT_TWO_PLACES = xr.DataArray([0.2743836, 0.8146400], dims="place")


def test_scoringrules_crps_with_and_without_weights_of_members() -> None:
    forecast, analysis = ensembles(MEMBERS, -0.6042506)
    assert float(v.crps(forecast, analysis, **PLAIN)) == pytest.approx(0.6126602, abs=1e-7)
    weights = xr.DataArray(np.arange(10.0), dims="member")
    assert float(v.crps(forecast, analysis, member_weights=weights, **PLAIN)) == pytest.approx(0.4923673, abs=1e-7)


@pytest.mark.parametrize(
    ("score", "limits", "expected"),
    [
        ("owcrps", {"lower": -1.0}, 0.09320807),
        ("owcrps", {"upper": 1.85}, 0.09933139),
        ("vrcrps", {"lower": -1.0}, 0.1003983),
        ("vrcrps", {"upper": 1.85}, 0.1950857),
        ("twcrps", {"lower": -1.0}, 0.09489662),
        ("twcrps", {"upper": 1.85}, 0.0994809),
        ("twcrps", {"chaining": lambda field: np.maximum(field, -1.0)}, 0.09489662),
        ("twcrps", {"chaining": lambda field: np.minimum(field, 1.85)}, 0.0994809),
    ],
)
def test_scoringrules_weighted_crps(score: str, limits: dict, expected: float) -> None:
    options = {"centre": 0.0} if score == "vrcrps" else {}
    found = getattr(v, score)(*OF_RULES, **limits, **options, **PLAIN, reduce="case")
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_scoringrules_scores_of_fields() -> None:
    places = {"dims": "place"}
    assert float(v.energy_score(TWO_PLACES, AT_TWO_PLACES, **places, **PLAIN)) == pytest.approx(0.3949793, abs=1e-6)
    assert float(v.energy_score(TWO_PLACES, AT_TWO_PLACES, **places)) == pytest.approx(0.3274585, abs=1e-6)
    three = TWO_PLACES.isel(member=slice(3))
    assert float(v.variogram_score(three, AT_TWO_PLACES, **places)) == pytest.approx(0.05083489, rel=1e-5)
    assert float(v.variogram_score(three, AT_TWO_PLACES, order=1.0, **places)) == pytest.approx(0.04856366, rel=1e-5)
    floored = (np.maximum(field, 0.2) for field in (three, AT_TWO_PLACES))
    assert float(v.variogram_score(*floored, **places)) == pytest.approx(0.07594679, rel=1e-6)
    found = v.multivariate_dawid_sebastiani(three, AT_TWO_PLACES, **places)
    assert float(found) == pytest.approx(-3.161553, abs=1e-6)


def test_scoringrules_scores_of_one_place() -> None:
    forecast, analysis = ensembles([9.8, 8.7, 11.9, 12.1, 13.4], 11.6)
    variance, mean = float(forecast.var()), float(forecast.mean())  # theirs is divided by M
    theirs = 1.115645
    ours = theirs - np.log(variance) - (mean - 11.6) ** 2 / variance
    ours += np.log(variance * 5 / 4) + (mean - 11.6) ** 2 / (variance * 5 / 4)
    assert float(v.dawid_sebastiani(forecast, analysis)) == pytest.approx(ours, abs=1e-6)
    for level, forecast_quantile, expected in ((0.2, 0.5, 0.16), (0.2, 0.1, 0.04)):
        quantile = xr.DataArray([forecast_quantile], dims="quantile", coords={"quantile": [level]})
        found = v.quantile_score_of_quantiles(quantile, xr.DataArray(0.3))
        assert float(found.squeeze()) == pytest.approx(expected)
    interval = xr.DataArray([0.0, 0.4], dims="quantile", coords={"quantile": [0.25, 0.75]})
    found = v.interval_score(interval, xr.DataArray(0.1), level=0.5)
    assert float(found["score"]) == pytest.approx(0.4)


# properscoring


@pytest.mark.parametrize(
    ("analysis", "members", "expected"),
    [
        (0, [-1], 1.0), (0, [0], 0.0), (0, [1], 1.0), (0, [0, 0], 0.0), (0, [0, 1], 0.25), (0, [1, 0], 0.25),
        (0, [1, 1], 1.0), (2, [0, 1], 1.25), (0, [-1, 1], 0.5), (0, [0, 0, 1], 1 / 9), (1, [0, 0, 1], 4 / 9),
        (0, [-1, 0, 0, 1], 1 / 8), (0, [NAN, 1], 1.0), (1, [0, NAN], 1.0), (NAN, [1], NAN), (0, [NAN, NAN], NAN),
    ],
)  # fmt: skip
def test_properscoring_crps(analysis: float, members: list[float], expected: float) -> None:
    found = float(v.crps(*ensembles(members, analysis), **PLAIN, **SKIP))
    assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("analysis", "members", "weights", "expected"),
    [
        (1.0, [0, 2], [0.5, 0.5], 0.5), (1.0, [2, 0], [0.5, 0.5], 0.5), (1.0, [0, 2], [0.8, 0.2], 0.64 + 0.04),
        (1.5, [0, 2], [0.8, 0.2], 0.64 * 1.5 + 0.04 * 0.5), (1.0, [0, 3], [0.5, 0.5], 0.75),
        (1.0, [-1, 3], [0.5, 0.5], 1.0), (1.0, [0, 2], [1, 0], 1.0), (1.0, [0, 1, 2], [1, 1, 1], 2 / 9),
        (1.5, [0, 1, 2], [1, 1, 1], 1 / 9 + 4 / 9 * 0.5 + 1 / 9 * 0.5), (-1.0, [0, 1, 2], [1, 1, 1], 1 + 1 / 9 + 4 / 9),
        (2.5, [0, 1, 2], [1, 1, 1], 4 / 9 + 1 / 9 + 0.5), (1.0, [0, 1, 2, 3], [1, 1, 1, 1], 3 / 8),
        (1.5, [0, 1, 2, 3], [1, 1, 1, 1], 1 / 16 + 4 / 16 + 1 / 16),
    ],
)  # fmt: skip
def test_properscoring_crps_of_weighted_members(
    analysis: float, members: list[float], weights: list[float], expected: float
) -> None:
    given = xr.DataArray(weights, dims="member")
    found = v.crps(*ensembles(members, analysis), member_weights=given, **PLAIN)
    assert float(found) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("analysis", "members", "threshold", "expected"),
    [
        (0, [0], [-1, 0, 1], [0, 0, 0]), (0, [-1, 1], [-2, 0, 2], [0, 0.25, 0]), (NAN, [-1, 1], [0, 1], [NAN, NAN]),
        (0, [-1, 1, NAN], [-2, 0, 2], [0, 0.25, 0]), (0, [0, 0, 0, 1], [0], [0.0625]),
    ],
)  # fmt: skip
def test_properscoring_threshold_brier_score(
    analysis: float, members: list[float], threshold: list[float], expected: list[float]
) -> None:
    found = v.brier_score(*ensembles(members, analysis), threshold=threshold, **PLAIN, **SKIP)
    np.testing.assert_allclose(found, expected)


# xarray-contrib/xskillscore


@pytest.mark.parametrize(("analysis", "scores"), [(0.0001, (0.73, 0.89)), (0.3, (0.53, 0.29))])
def test_xskillscore_rps_of_wilks(analysis: float, scores: tuple[float, float]) -> None:
    for counts, expected in zip(((2, 5, 3), (2, 3, 5)), scores, strict=True):
        forecast, seen = ensembles(np.repeat([0.0, 0.1, 0.3], counts), analysis)
        assert float(v.rps(forecast, seen, threshold=[0.01, 0.24], **PLAIN)) == pytest.approx(expected)
        above = 1 - np.cumsum(counts)[:2] / 10
        probability = xr.DataArray(above, dims="threshold", coords={"threshold": [0.01, 0.24]})
        assert float(v.rps_of_probability(probability, seen)) == pytest.approx(expected)


def test_xskillscore_contingency_scores() -> None:
    happened = xr.DataArray([0, 0, 1, 1, 0, 1, 1], dims="x")
    forecast = xr.DataArray([0, 0, 0, 0, 1, 1, 1], dims="x")
    table = v.contingency_table(forecast, happened, reduce="x")
    expected = {
        "frequency_bias": 3 / 4, "pod": 1 / 2, "far": 1 / 3, "pofd": 1 / 3, "csi": 2 / 5, "accuracy": 4 / 7,
        "ets": (2 - 12 / 7) / (5 - 12 / 7), "hss": (4 - 24 / 7) / (7 - 24 / 7), "pss": 1 / 2 - 1 / 3,
    }  # fmt: skip
    assert {name: int(table[name]) for name in table} == {
        "hits": 2, "misses": 2, "false_alarms": 1, "correct_negatives": 2
    }  # fmt: skip
    assert {name: float(getattr(v, name)(table)) for name in expected} == pytest.approx(expected)
