"""Our scores against other libraries."""

import importlib
import operator
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import pytest
import xarray as xr

from forecast.verification import (
    brier_score,
    crps,
    crps_decomposition,
    energy_score,
    ensemble_mean_rmse,
    fss,
    quantile_score,
    rank_histogram,
    relative_economic_value,
    rps,
    seeps,
    twcrps,
    variogram_score,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


@pytest.fixture(autouse=True)
def _their_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def peer(name: str) -> ModuleType:
    return importlib.import_module(name)


def same(ours: xr.DataArray, theirs: object) -> None:
    np.testing.assert_allclose(ours.values, np.asarray(theirs, dtype=float), rtol=1e-6, atol=1e-9)


def last(forecast: xr.DataArray) -> np.ndarray:
    return np.asarray(forecast.transpose(..., "member").values)


def test_properscoring(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    theirs = peer("properscoring").crps_ensemble(analysis.values, last(forecast))
    same(crps(forecast, analysis, fair=False), theirs)


def test_scoringrules(make_pair: MakePair, kind: str) -> None:
    rules = peer("scoringrules")
    forecast, analysis = make_pair(kind)
    x, y = last(forecast), analysis.values
    fields = [(y[lead].ravel(), x[lead].reshape(-1, x.shape[-1]).T) for lead in range(len(y))]
    plain = {"estimator": "nrg", "backend": "numpy"}
    same(twcrps(forecast, analysis, lower=1.5, upper=3, fair=False), rules.twcrps_ensemble(y, x, 1.5, 3.0, **plain))
    same(energy_score(forecast, analysis, dims=GRID, fair=False), [rules.es_ensemble(*f, **plain) for f in fields])
    pairs = [rules.vs_ensemble(*f, p=0.5, backend="numpy") for f in fields]
    same(variogram_score(forecast, analysis, dims=GRID), pairs)
    if kind != "single":
        fair = {"estimator": "fair", "backend": "numpy"}
        same(crps(forecast, analysis), rules.crps_ensemble(y, x, **fair))
        same(energy_score(forecast, analysis, dims=GRID), [rules.es_ensemble(*f, **fair) for f in fields])


def test_xskillscore(make_pair: MakePair, kind: str) -> None:
    skill = peer("xskillscore")
    forecast, analysis = make_pair(kind)
    dims = list(GRID)
    same(ensemble_mean_rmse(forecast, analysis, reduce=GRID), skill.rmse(forecast.mean("member"), analysis, dim=dims))
    ours = brier_score(forecast, analysis, threshold=2.0, fair=False, reduce=GRID)
    same(ours, skill.threshold_brier_score(analysis, forecast, 2.0, dim=dims))
    if kind not in {"tied", "constant"}:  # they draw ties at random, and put equal values in the upper category
        ours = rank_histogram(forecast, analysis, reduce=analysis.dims) * analysis.size
        same(ours, skill.rank_histogram(analysis, forecast))
        edges = np.array([-1e9, 0.5, 1, 2, 4, 1e9])
        ours = rps(forecast, analysis, thresholds=[0.5, 1, 2, 4], fair=False, reduce=GRID)
        same(ours, skill.rps(analysis, forecast, category_edges=edges, dim=dims, member_dim="member"))


def test_scores(make_pair: MakePair, kind: str) -> None:
    probability, continuous = peer("scores.probability"), peer("scores.continuous")
    spatial = peer("scores.spatial")
    forecast, analysis = make_pair(kind)
    theirs = probability.crps_for_ensemble(
        forecast, analysis, "member", method="ecdf", include_components=True, preserve_dims=["lead_time"]
    )
    parts = crps_decomposition(forecast, analysis, reduce=GRID)
    same(parts["under"], theirs.sel(component="underforecast_penalty"))
    same(parts["over"], theirs.sel(component="overforecast_penalty"))
    same(parts["spread"], theirs.sel(component="spread"))
    ours = quantile_score(forecast, analysis, quantiles=[0.3]).squeeze("quantile")
    median = forecast.quantile(0.3, "member", keep_attrs=True).drop_vars("quantile")
    same(ours, continuous.quantile_score(median, analysis, alpha=0.3, preserve_dims="all"))
    if kind != "single":
        theirs = probability.brier_score_for_ensemble(
            forecast, analysis, "member", 2.0, preserve_dims=["lead_time"], event_threshold_operator=operator.gt
        )
        same(brier_score(forecast, analysis, threshold=[2.0], reduce=GRID), theirs.transpose("lead_time", "threshold"))
    one = forecast.isel(member=[0])
    options = {"event_threshold": 2.0, "window_size": (3, 3), "zero_padding": False, "threshold_operator": np.greater}
    fields = zip(forecast.isel(member=0).values, analysis.values, strict=True)
    expected = [spatial.fss_2d_single_field(x, y, **options) for x, y in fields]
    same(fss(one, analysis, threshold=2.0, window=3).fillna(0.0), np.nan_to_num(expected))


def test_scores_of_precipitation_and_value(make_pair: MakePair) -> None:
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
