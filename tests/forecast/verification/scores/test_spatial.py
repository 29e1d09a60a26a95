"""Anomaly correlation and fractions skill against other formulas."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import cosine

from forecast.verification import UnscorableError, acc, area_weights, fss

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


def test_anomaly_correlation_is_a_weighted_cosine(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    climate = analysis.astype(float).mean("lead_time") + 0.3
    weights = area_weights(analysis["latitude"])
    found = acc(forecast, analysis, climatology=climate, weights=weights)
    each = weights.broadcast_like(climate).values.ravel()
    for lead in range(min(len(analysis), 20)):
        predicted = (forecast.astype(float).mean("member").isel(lead_time=lead) - climate).values.ravel()
        observed = (analysis.isel(lead_time=lead) - climate).values.ravel()
        assert float(found[lead]) == pytest.approx(1 - cosine(predicted, observed, each), rel=1e-6, abs=1e-9)


def test_acc_is_one_for_perfect_and_minus_one_for_opposite_anomalies(make_pair: MakePair) -> None:
    _, analysis = make_pair("offset", dtype=np.float32)
    climate = analysis.mean("lead_time").astype(np.float64)
    weights = area_weights(analysis["latitude"])
    perfect = acc(analysis.expand_dims(member=2), analysis, climatology=climate, weights=weights)
    np.testing.assert_allclose(perfect, 1, rtol=1e-6)
    opposite = (2 * climate - analysis).expand_dims(member=2)
    np.testing.assert_allclose(acc(opposite, analysis, climatology=climate, weights=weights), -1, rtol=1e-6)


def test_fractions_of_a_displaced_event_grow_with_the_window() -> None:
    analysis = xr.DataArray(np.zeros((15, 15)), dims=GRID)
    forecast = analysis.copy(deep=True).expand_dims(member=1).copy()
    analysis[7, 7], forecast[0, 7, 9] = 1.0, 1.0
    small, large = (float(fss(forecast, analysis, threshold=0.5, window=n)) for n in (1, 5))
    assert small == 0
    # Windows of 5 see both events in 3 of the 5 + 2 columns that see any: 1 - (2+2)/(5+5).
    assert large == pytest.approx(1 - 4 / 10)
    wrapped = forecast.roll(longitude=7), analysis.roll(longitude=7)
    assert float(fss(*wrapped, threshold=0.5, window=5, periodic=("longitude",))) == pytest.approx(large)
    with pytest.raises(UnscorableError, match="expected an odd number"):
        fss(forecast, analysis, threshold=0.5, window=4)


def test_a_climatology_on_another_grid_is_refused(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    climate = analysis.mean("lead_time").isel(latitude=slice(None, None, -1))
    with pytest.raises(UnscorableError, match="climatology: expected the coordinates of the forecast along 'latitude'"):
        acc(forecast, analysis, climatology=climate)
