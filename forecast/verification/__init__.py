"""Scores of ensembles: plain functions of xarray objects, which need no torch."""

from forecast.verification.archive.archive import append_cycle, open_score_archive, score_table
from forecast.verification.baselines.fitting import fit_baselines
from forecast.verification.baselines.simple import climatological_mean, climatology_forecast, persistence_forecast
from forecast.verification.checks import UnscorableError
from forecast.verification.comparison.bootstrap import block_bootstrap
from forecast.verification.comparison.scorecard import card_table, scorecard
from forecast.verification.comparison.significance import diebold_mariano, false_discovery_rate, paired_t_test
from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.evaluation import EvaluationSums, cycle_sums, scores_of
from forecast.verification.groups import group_weights
from forecast.verification.regions import Box, region_weights
from forecast.verification.scores.angular import angular_errors
from forecast.verification.scores.balance import ageostrophic_share, geostrophic_wind, layer_temperature
from forecast.verification.scores.contingency import (
    accuracy,
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
from forecast.verification.scores.continuous import correlation, kge, nse, quantile_quantile
from forecast.verification.scores.decomposition import crps_decomposition
from forecast.verification.scores.density import dawid_sebastiani, log_score
from forecast.verification.scores.distribution import pit, quantile_score, twcrps
from forecast.verification.scores.elementary import firm, murphy_diagram
from forecast.verification.scores.ensemble import bias, crps, ensemble_mean_rmse, mae, rmse
from forecast.verification.scores.event import brier_score, rps
from forecast.verification.scores.limited_area import limited_area_spectrum
from forecast.verification.scores.multivariate import energy_score, multivariate_dawid_sebastiani, variogram_score
from forecast.verification.scores.precipitation import seeps
from forecast.verification.scores.probability_forecasts import (
    brier_score_of_probability,
    reliability_of_probability,
    roc_of_probability,
    rps_of_probability,
)
from forecast.verification.scores.quantile_forecasts import (
    crps_of_quantiles,
    interval_score,
    quantile_score_of_quantiles,
)
from forecast.verification.scores.ranks import rank_histogram, rank_histogram_test
from forecast.verification.scores.reliability import brier_decomposition, relative_economic_value, reliability, roc
from forecast.verification.scores.skill import skill
from forecast.verification.scores.spatial import acc, fss
from forecast.verification.scores.spectra import error_growth, spectral_crps, spectrum
from forecast.verification.scores.spread import spread, spread_skill_binned, spread_skill_ratio
from forecast.verification.scores.weighted_crps import owcrps, vrcrps
from forecast.verification.scores.wind_spectra import kinetic_energy_spectra
from forecast.verification.station_checks import LIMITS, ObservationLimits, gross_errors, without_gross_errors
from forecast.verification.station_scores import station_scores
from forecast.verification.stations import at_height, at_stations, density_weights
from forecast.verification.weighting import area_weights

__all__ = [
    "LIMITS",
    "Box",
    "EvaluationSums",
    "ObservationLimits",
    "UnscorableError",
    "acc",
    "accuracy",
    "ageostrophic_share",
    "angular_errors",
    "append_cycle",
    "area_weights",
    "at_height",
    "at_stations",
    "bias",
    "block_bootstrap",
    "brier_decomposition",
    "brier_score",
    "brier_score_of_probability",
    "card_table",
    "climatological_mean",
    "climatology_forecast",
    "contingency_scores",
    "contingency_table",
    "correlation",
    "crps",
    "crps_decomposition",
    "crps_of_quantiles",
    "csi",
    "cycle_sums",
    "dawid_sebastiani",
    "density_weights",
    "diebold_mariano",
    "energy_score",
    "ensemble_mean_rmse",
    "ensemble_statistics",
    "error_growth",
    "ets",
    "false_discovery_rate",
    "far",
    "firm",
    "fit_baselines",
    "frequency_bias",
    "fss",
    "geostrophic_wind",
    "gross_errors",
    "group_weights",
    "hss",
    "interval_score",
    "kge",
    "kinetic_energy_spectra",
    "layer_temperature",
    "limited_area_spectrum",
    "log_score",
    "mae",
    "multivariate_dawid_sebastiani",
    "murphy_diagram",
    "nse",
    "open_score_archive",
    "owcrps",
    "paired_t_test",
    "persistence_forecast",
    "pit",
    "pod",
    "pofd",
    "pss",
    "quantile_quantile",
    "quantile_score",
    "quantile_score_of_quantiles",
    "rank_histogram",
    "rank_histogram_test",
    "region_weights",
    "relative_economic_value",
    "reliability",
    "reliability_of_probability",
    "rmse",
    "roc",
    "roc_of_probability",
    "rps",
    "rps_of_probability",
    "score_table",
    "scorecard",
    "scores_of",
    "sedi",
    "seeps",
    "skill",
    "spectral_crps",
    "spectrum",
    "spread",
    "spread_skill_binned",
    "spread_skill_ratio",
    "station_scores",
    "twcrps",
    "variogram_score",
    "vrcrps",
    "without_gross_errors",
]
