"""Parts of the CRPS: by Hersbach's equations, and adding up exactly."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from forecast.verification import area_weights, brier_decomposition, brier_score, crps, crps_decomposition

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
Cases = Callable[[xr.DataArray, xr.DataArray], Iterator[tuple[NDArray[np.float64], float, float]]]
GRID = ("latitude", "longitude")


def test_parts_of_the_crps_by_hersbach(make_pair: MakePair, cases: Cases, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    found = crps_decomposition(forecast, analysis, reduce=analysis.dims, weights=area_weights(analysis["latitude"]))
    members, total = forecast.sizes["member"], 0.0
    above, below, seen_below = np.zeros(members + 1), np.zeros(members + 1), np.zeros(members + 1)
    for values, observed, area in cases(forecast, analysis):
        edges = np.sort(values)
        for i in range(1, members):
            above[i] += area * min(max(observed - edges[i - 1], 0.0), edges[i] - edges[i - 1])
            below[i] += area * min(max(edges[i] - observed, 0.0), edges[i] - edges[i - 1])
        below[0] += area * max(edges[0] - observed, 0.0)
        above[-1] += area * max(observed - edges[-1], 0.0)
        seen_below[0] += area * (observed < edges[0])
        seen_below[-1] += area * (observed < edges[-1])
        total += area
    above, below, seen_below = above / total, below / total, seen_below / total
    expected = dict.fromkeys(("reliability", "potential"), 0.0)
    for i, p in enumerate(np.arange(members + 1) / members):
        if i in (0, members):  # equations 32 and 33
            outlying = seen_below[0] if i == 0 else 1 - seen_below[-1]
            width = (below[0] if i == 0 else above[-1]) / outlying if outlying else 0.0
            frequency = seen_below[0] if i == 0 else seen_below[-1]
        else:
            width = above[i] + below[i]
            frequency = below[i] / width if width else 0.0
        expected["reliability"] += width * (frequency - p) ** 2
        expected["potential"] += width * frequency * (1 - frequency)
    size = float(abs(analysis).max())
    assert float(found["reliability"]) == pytest.approx(expected["reliability"], rel=1e-6, abs=1e-10 * size)
    potential = float(found["uncertainty"] - found["resolution"])
    assert potential == pytest.approx(expected["potential"], rel=1e-6, abs=1e-10 * size)


def test_decompositions_are_exact(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("tied")
    weights = area_weights(analysis["latitude"])
    options = {"reduce": GRID, "weights": weights}
    parts = crps_decomposition(forecast, analysis, **options)
    np.testing.assert_allclose(parts["crps"], crps(forecast, analysis, fair=False, **options), rtol=1e-12)
    np.testing.assert_allclose(parts["reliability"] - parts["resolution"] + parts["uncertainty"], parts["crps"])
    assert (parts["reliability"] >= 0).all()
    brier = brier_decomposition(forecast, analysis, threshold=2.0, **options)
    np.testing.assert_allclose(
        brier["brier_score"], brier_score(forecast, analysis, threshold=2.0, fair=False, **options), rtol=1e-12
    )
    y, w = analysis.values.reshape(3, -1), weights.broadcast_like(analysis[0]).values.ravel()
    pairs = np.einsum("tab,a,b->t", np.abs(y[:, :, None] - y[:, None, :]), w, w) / w.sum() ** 2 / 2
    np.testing.assert_allclose(parts["uncertainty"], pairs, rtol=1e-12)


def test_crps_of_climatology_is_its_uncertainty() -> None:
    sample = np.random.default_rng(0).normal(size=60)
    forecast = xr.DataArray(np.tile(sample[:, None], 60), dims=("member", "case"))
    parts = crps_decomposition(forecast, xr.DataArray(sample, dims="case"), reduce=["case"])
    assert float(parts["uncertainty"]) == pytest.approx(float(parts["crps"]), rel=1e-12)
    assert float(parts["resolution"]) == pytest.approx(float(parts["reliability"]), abs=0.01)
