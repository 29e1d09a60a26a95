"""Scores of probabilities against tables of their classes and other formulas."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from forecast.verification import area_weights, brier_decomposition, reliability, roc

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
Cases = Callable[[xr.DataArray, xr.DataArray], Iterator[tuple[NDArray[np.float64], float, float]]]


def test_parts_of_the_brier_score_by_classes(make_pair: MakePair, cases: Cases, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    threshold = float(analysis.median())
    options = {"threshold": threshold, "reduce": analysis.dims}
    found = brier_decomposition(forecast, analysis, **options, weights=area_weights(analysis["latitude"]))
    rows = [((x > threshold).mean(), float(y > threshold), area) for x, y, area in cases(forecast, analysis)]
    table = pd.DataFrame(rows, columns=["chance", "happened", "area"])
    classes = table.assign(hits=table.happened * table.area).groupby("chance")[["hits", "area"]].sum().reset_index()
    frequency, share, base = classes.hits / classes.area, classes.area / classes.area.sum(), 0.0
    base = float(classes.hits.sum() / classes.area.sum())
    expected = {
        "reliability": (share * (frequency - classes.chance) ** 2).sum(),
        "resolution": (share * (frequency - base) ** 2).sum(),
        "uncertainty": base * (1 - base),
    }
    for part, value in expected.items():
        assert float(found[part]) == pytest.approx(value, rel=1e-6, abs=1e-12)

    diagram = reliability(forecast, analysis, **options, level=0.8)
    counts = table.groupby("chance").size()
    low, high = (stats.binom.ppf(tail, counts, counts.index) / counts for tail in (0.1, 0.9))
    issued = diagram["share"] > 0
    np.testing.assert_allclose(diagram["consistency_low"][issued.values], low)
    np.testing.assert_allclose(diagram["consistency_high"][issued.values], high)


def test_reliable_forecasts_lie_on_the_diagonal() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(40_000)
    forecast = xr.DataArray((rng.random((400, 40_000)) < chance).astype(float), dims=("member", "case"))
    analysis = xr.DataArray((rng.random(40_000) < chance).astype(float), dims="case")
    found = reliability(forecast, analysis, threshold=0.5, reduce=["case"], bins=10)
    np.testing.assert_allclose(found["observed_frequency"], found["forecast_probability"], atol=0.03)
    assert ((found["observed_frequency"] >= found["consistency_low"]).sum()) >= 7
    assert (found["consistency_low"] < found["consistency_high"]).all()
    isotonic = found["corp_frequency"].dropna("probability")
    assert (isotonic.diff("probability") >= 0).all()
    assert 0 <= float(found["miscalibration"]) < 0.01
    assert float(found["discrimination"]) == pytest.approx(1 / 12, abs=0.01)
    assert float(found["share"].sum()) == pytest.approx(1)


def test_roc_area_is_the_chance_to_rank_an_event_above_a_non_event(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    curve = roc(forecast, analysis, threshold=2.0, reduce=analysis.dims)
    p, happened = (forecast > 2).mean("member").values.ravel(), (analysis > 2).values.ravel()
    yes, no = p[happened][:, None], p[~happened][None]
    assert float(curve["area"]) == pytest.approx(((yes > no) + 0.5 * (yes == no)).mean(), rel=1e-12)
    assert curve["hit_rate"].values[[0, -1]].tolist() == [1, 0]
    never = roc(forecast, analysis, threshold=1e9, reduce=analysis.dims)
    assert never["area"].isnull()
