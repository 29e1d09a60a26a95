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


def by_hand(
    events: xr.DataArray, seen: xr.DataArray, weights: np.ndarray, size: int, *, wraps: bool, pad: bool
) -> float:
    """Score of one field by counting each window; the weight of an even one is the mean of the points at its centre."""
    before = size // 2 if pad else 0
    grow = ((before, before), (0, 0) if wraps else (before, before))
    events, seen = (np.pad(field.values.astype(float), grow) for field in (events, seen))
    weights = np.pad(weights, grow, mode="edge")
    rows, columns = events.shape
    above = below = 0.0
    for row in range(rows - size + 1):
        for column in range(columns if wraps else columns - size + 1):
            window = np.ix_(range(row, row + size), np.arange(column, column + size) % columns)
            half, odd = (size - 1) // 2, 1 + (size % 2 == 0)
            centre = np.ix_(
                range(row + half, row + half + odd), np.arange(column + half, column + half + odd) % columns
            )
            p, o, weight = events[window].mean(), seen[window].mean(), weights[centre].mean()
            above, below = above + weight * (p - o) ** 2, below + weight * (p**2 + o**2)
    return 1 - above / below


@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("pad", [False, True])
def test_windows_odd_and_even_are_counted_one_by_one(make_pair: MakePair, wraps: bool, pad: bool) -> None:
    forecast, analysis = (field.isel(lead_time=0) for field in make_pair("random"))
    weights = area_weights(analysis["latitude"]) + xr.DataArray(np.arange(8.0), dims="longitude")
    sizes = [1, 2, 3, 4, 5, 6]
    options = {"threshold": 2.0, "weights": weights, "zero_padding": pad, "periodic": ("longitude",) if wraps else ()}
    found = fss(forecast, analysis, window=sizes, **options)
    assert found["window"].values.tolist() == sizes
    probability, seen = (forecast > 2).mean("member"), analysis > 2
    expected = [by_hand(probability, seen, weights.values, size, wraps=wraps, pad=pad) for size in sizes]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(fss(forecast, analysis, window=4, **options), expected[3], rtol=1e-9)
    flipped = [field.isel(latitude=slice(None, None, -1)) for field in (forecast, analysis, weights)]
    turned = fss(*flipped[:2], window=sizes, **{**options, "weights": flipped[2]})
    np.testing.assert_allclose(turned, expected, rtol=1e-9)


def test_windows_that_do_not_fit_are_refused(make_pair: MakePair) -> None:
    pair = make_pair("random")
    for window in (0, -1, 7, [3, 7], [], 2.5, "3", [[3]], True):
        with pytest.raises(UnscorableError, match=r"^window: expected whole numbers from 1 to 6, found [^\n]*$"):
            fss(*pair, threshold=2.0, window=window)
    beyond = fss(*pair, threshold=2.0, window=11, zero_padding=True)
    assert beyond.notnull().all()
    with pytest.raises(UnscorableError, match="window: expected whole numbers from 1 to 8, found 11"):
        fss(*pair, threshold=2.0, window=11, zero_padding=True, periodic="longitude")


def test_a_climatology_on_another_grid_is_refused(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    climate = analysis.mean("lead_time").isel(latitude=slice(None, None, -1))
    with pytest.raises(UnscorableError, match="climatology: expected the coordinates of the forecast along 'latitude'"):
        acc(forecast, analysis, climatology=climate)
