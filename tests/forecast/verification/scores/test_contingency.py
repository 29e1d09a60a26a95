"""Contingency tables: Finley's tornadoes, a peer, sums that add, and what is refused."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import (
    UnscorableError,
    accuracy,
    area_weights,
    contingency_scores,
    contingency_table,
    csi,
    ets,
    far,
    frequency_bias,
    hss,
    pod,
    pofd,
    pss,
    sedi,
)

FINLEY = {"hits": 28, "misses": 23, "false_alarms": 72, "correct_negatives": 2680}
"""Finley's tornado forecasts of 1884, the best known table of all."""


def finley() -> xr.Dataset:
    return xr.Dataset({name: xr.DataArray(float(count)) for name, count in FINLEY.items()})


def pair(rng: np.random.Generator, dtype: type = np.float64) -> tuple[xr.DataArray, xr.DataArray]:
    coords = {"latitude": [-60.0, -20.0, 20.0, 60.0], "longitude": np.arange(5.0)}
    dims = ("time", "latitude", "longitude")
    forecast, analysis = (np.round(rng.gamma(1.0, size=(6, 4, 5)), 1).astype(dtype) for _ in range(2))
    return xr.DataArray(forecast, coords, dims), xr.DataArray(analysis, coords, dims)


def test_scores_of_finleys_table() -> None:
    """Numbers of Jolliffe and Stephenson (2012), table 3.3, and Wilks (2019), section 8.2.2."""
    expected = {pod: 0.549, far: 0.720, pofd: 0.0262, csi: 0.228, ets: 0.216, hss: 0.355, pss: 0.523, accuracy: 0.966}
    for score, value in expected.items():
        assert float(score(finley())) == pytest.approx(value, abs=6e-4), score
    assert float(frequency_bias(finley())) == pytest.approx(1.96, abs=5e-3)
    hit, alarm = 28 / 51, 72 / 2752
    above = np.log(alarm) - np.log(hit) - np.log(1 - alarm) + np.log(1 - hit)
    below = np.log(alarm) + np.log(hit) + np.log(1 - alarm) + np.log(1 - hit)
    assert float(sedi(finley())) == pytest.approx(above / below)


@pytest.mark.parametrize("operator", [">", ">=", "<", "<="])
def test_all_scores_are_those_of_a_peer(operator: str) -> None:
    import scores.categorical as peer

    compare = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}[operator]
    forecast, analysis = pair(np.random.default_rng(0))
    table = contingency_table(forecast, analysis, threshold=1.0, operator=operator, reduce=("time", "longitude"))
    ours = contingency_scores(table)
    manager = peer.BinaryContingencyManager(
        compare(forecast, 1.0).astype(float), compare(analysis, 1.0).astype(float)
    ).transform(preserve_dims=["latitude"])
    theirs = {
        "pod": manager.probability_of_detection(),
        "far": manager.false_alarm_ratio(),
        "pofd": manager.probability_of_false_detection(),
        "csi": manager.critical_success_index(),
        "ets": manager.equitable_threat_score(),
        "hss": manager.heidke_skill_score(),
        "pss": manager.peirce_skill_score(),
        "sedi": manager.symmetric_extremal_dependence_index(),
        "frequency_bias": manager.frequency_bias(),
        "accuracy": manager.accuracy(),
    }
    assert set(theirs) == set(ours.data_vars)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-12, err_msg=name)


def test_tables_add_and_chunks_do_not_matter() -> None:
    forecast, analysis = pair(np.random.default_rng(1), np.float32)
    options = {"threshold": [0.1, 1.0], "reduce": "all", "weights": area_weights(forecast["latitude"])}
    whole = contingency_table(forecast, analysis, **options)
    assert whole["hits"].dims == ("threshold",)
    parts = [contingency_table(forecast[part], analysis[part], **options) for part in (slice(2), slice(2, None))]
    xr.testing.assert_allclose(parts[0] + parts[1], whole)
    lazy = contingency_table(forecast.chunk(time=1, longitude=2), analysis, **options)
    assert lazy["hits"].chunks is not None
    xr.testing.assert_allclose(lazy.compute(), whole)
    total = sum(whole[name] for name in FINLEY)
    np.testing.assert_allclose(total, float(area_weights(forecast["latitude"]).sum()) * 30)


def test_events_may_be_given_as_booleans_and_points_kept() -> None:
    forecast, analysis = pair(np.random.default_rng(2))
    by_threshold = contingency_table(forecast, analysis, threshold=1.0, preserve="time")
    by_events = contingency_table(forecast > 1, analysis > 1, preserve="time")
    xr.testing.assert_identical(by_threshold, by_events)
    points = contingency_table(forecast, analysis, threshold=1.0)
    assert points["hits"].dims == forecast.dims
    np.testing.assert_array_equal(sum(points[name] for name in FINLEY), 1.0)


def test_missing_points_spoil_their_table_unless_skipped() -> None:
    forecast, analysis = pair(np.random.default_rng(3))
    holed = forecast.copy()
    holed[2, 1, 1] = np.nan
    spoiled = contingency_table(holed, analysis, threshold=1.0, reduce=("latitude", "longitude"))
    assert spoiled["hits"].isnull().values.tolist() == [False, False, True, False, False, False]
    skipped = contingency_table(holed, analysis, threshold=1.0, reduce="all", skip_missing=True)
    assert float(sum(skipped[name] for name in FINLEY)) == forecast.size - 1
    weights = xr.ones_like(forecast)
    weights[2, 1, 1] = 0
    assert float(pod(contingency_table(holed, analysis, threshold=1.0, reduce="all", weights=weights))) > 0


def test_what_does_not_fit_is_refused() -> None:
    forecast, analysis = pair(np.random.default_rng(4))
    with pytest.raises(UnscorableError, match="expected events, which are 0 or 1"):
        contingency_table(forecast, analysis)
    with pytest.raises(UnscorableError, match=r"expected a forecast on .* as the analysis is"):
        contingency_table(forecast.expand_dims(member=3), analysis, threshold=1.0)
    with pytest.raises(UnscorableError, match="expected the coordinates of the forecast along 'latitude'"):
        contingency_table(forecast, analysis.assign_coords(latitude=[0.0, 1, 2, 3]), threshold=1.0)


def test_ratios_of_nothing_are_missing() -> None:
    never = xr.zeros_like(finley()).assign(correct_negatives=xr.DataArray(9.0))
    for score in (pod, far, csi, ets, hss, sedi, frequency_bias):
        assert np.isnan(score(never)), score
    assert float(accuracy(never)) == 1.0
