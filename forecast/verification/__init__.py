"""Scores of ensembles; xarray in, xarray out; needs no torch."""

from forecast.verification.checks import UnscorableError
from forecast.verification.ensemble_scores import bias, crps, ensemble_mean_rmse, mae, spread, spread_skill_ratio
from forecast.verification.fused import ensemble_statistics
from forecast.verification.ranks import rank_histogram
from forecast.verification.weighting import area_weights

__all__ = [
    "UnscorableError",
    "area_weights",
    "bias",
    "crps",
    "ensemble_mean_rmse",
    "ensemble_statistics",
    "mae",
    "rank_histogram",
    "spread",
    "spread_skill_ratio",
]
