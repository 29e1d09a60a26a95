"""Infinite members have ranks and events, and the CRPS that the integral over thresholds gives them."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import (
    bias,
    brier_score,
    crps,
    ensemble_statistics,
    mae,
    pit,
    quantile_score,
    rank_histogram,
    rps,
    spread,
    twcrps,
)
from forecast.verification.ensemble_pass import statistics as fused

INF = np.inf


@pytest.fixture(params=["numba", "numpy"], autouse=True)
def implementation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "numpy":
        monkeypatch.setattr(fused, "kernels", None)


def fields(members: list[float], observed: float, dtype: str = "f8") -> tuple[xr.DataArray, xr.DataArray]:
    """The case between two ordinary ones."""
    x = np.array([[1.0] * len(members), members, [2.0] * len(members)], dtype)
    return xr.DataArray(x, dims=("x", "member")), xr.DataArray(np.array([1.5, observed, 1.5], dtype), dims="x")


def by_integral(members: list[float], observed: float, fair: bool, reach: float) -> float:
    """The CRPS with the infinite ends cut off at a distance."""
    x, y = np.clip(members, -reach, reach), np.clip(observed, -reach, reach)
    count = len(members)
    pairs = np.abs(x[:, None] - x).sum() / 2
    return float(np.abs(x - y).mean() - pairs / (count * (count - 1) if fair else count**2))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("fair", [True, False])
@pytest.mark.parametrize(
    ("members", "observed"),
    [
        ([-INF, 1.0, 3.0, 4.0], 2.0),
        ([-INF, -INF, 3.0, 4.0], 2.0),
        ([-INF, 1.0, 3.0, INF], 2.0),
        ([-INF, -INF, -INF, -INF], -INF),
        ([-INF, -INF, -INF, 1.0], -INF),
        ([-INF, -INF, 0.0, 1.0], -INF),
        ([0.0, 1.0, 2.0, 3.0], INF),
        ([INF, INF, INF, 3.0], INF),
        ([-INF, -INF, -INF, -INF], 5.0),
    ],
)
def test_the_crps_is_the_limit_of_far_members(members: list[float], observed: float, fair: bool, dtype: str) -> None:
    found = crps(*fields(members, observed, dtype), fair=fair)
    near, far = (by_integral(members, observed, fair, reach) for reach in (1e3, 1e6))
    expected = INF if far > near + 1 else far
    np.testing.assert_allclose(found, [0.5, expected, 0.5], rtol=1e-6, atol=1e-9)


def test_ranks_events_and_quantiles_are_those_of_the_order() -> None:
    forecast, analysis = fields([-INF, -INF, 1.0, 2.0], -INF)
    assert pit(forecast, analysis)[1] == 0.25
    ranks = rank_histogram(forecast, analysis).isel(x=1)
    np.testing.assert_allclose(ranks, [1 / 3, 1 / 3, 1 / 3, 0, 0])
    assert brier_score(forecast, analysis, threshold=0.0, fair=False)[1] == 0.25
    assert rps(forecast, analysis, threshold=[0.0, 1.5], fair=False)[1] == pytest.approx(0.25 + 1 / 16)
    found = quantile_score(forecast, analysis, quantiles=[0.3, 0.99])
    assert found[1].values.tolist() == [0.0, INF]
    assert quantile_score(forecast, analysis.fillna(0) * 0, quantiles=[0.3])[1].isnull()
    finite = fields([-INF, 0.0, 2.0, 3.0], 1.0)
    assert quantile_score(*finite, quantiles=[0.2])[1, 0] == INF
    clipped = fields([0.0, 0.0, 1.0, 2.0], 0.0)
    np.testing.assert_allclose(twcrps(forecast, analysis, lower=0.0)[1], crps(*clipped)[1])


def test_mean_and_error_are_those_of_arithmetic() -> None:
    forecast, analysis = fields([-INF, 1.0, 2.0], 0.0)
    assert (bias(forecast, analysis)[1], mae(forecast, analysis)[1]) == (-INF, INF)
    assert spread(forecast, analysis)[1].isnull()
    assert bias(*fields([-INF, INF], 0.0))[1].isnull()


def test_missing_members_stay_missing() -> None:
    forecast, analysis = fields([-INF, np.nan, 2.0], 0.0)
    strict = ensemble_statistics(forecast, analysis).isel(x=1)
    assert strict[["mean", "error", "crps", "fair_crps"]].to_dataarray().isnull().all()
    assert ensemble_statistics(forecast, analysis, skip_missing=True)["crps"][1] == INF
    assert pit(forecast, analysis)[1].isnull()
    assert pit(forecast, analysis, skip_missing=True)[1] == 0.5
