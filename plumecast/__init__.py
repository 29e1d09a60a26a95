"""Plumecast for notebooks and scripts: open runs, scores and analyses, and make ensembles.

    import plumecast

    run = plumecast.find_runs(system="speedy-5p6")[-1]
    run.forecast["t2m"].sel(latitude=51.5, longitude=0, method="nearest").mean("member")
    plumecast.verification.crps(forecast, analysis, reduce=["latitude", "longitude"])

Importing this package imports xarray alone, whose fields and datasets get `.ens`. Each name is looked up when it is
first used. Only `load_checkpoint` and `ensemble_forecast` need torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError, PlumecastError
    from forecast import verification
    from forecast.products.ensemble.events import (
        all_of,
        any_of,
        event,
        event_in_window,
        probability,
        probability_of_anomaly,
    )
    from forecast.products.ensemble.expressions import event_of
    from forecast.products.ensemble.extremes import extreme_forecast_index, shift_of_tails
    from forecast.products.ensemble.neighbourhoods import event_in_neighbourhood
    from forecast.products.ensemble.sensitivity import ensemble_sensitivity
    from forecast.products.ensemble.significance import anomaly_significance
    from forecast.products.ensemble.summaries import ensemble_mean, ensemble_quantile, ensemble_spread
    from forecast.products.ensemble.terciles import most_likely_tercile
    from forecast.products.ensemble.wind import apparent_temperature, wind_chill, wind_direction, wind_speed
    from forecast.products.files.forecast_reading import open_forecast, open_forecasts
    from plumecast.analyses import open_archive
    from plumecast.climatologies import anomalies, climatology_at, open_climatology
    from plumecast.explanations import explain
    from plumecast.figures import map_of, plume, stamps
    from plumecast.known import datasets, systems
    from plumecast.members import ensemble_forecast, load_checkpoint
    from plumecast.runs import Run, find_runs, open_run
    from plumecast.scores import open_scores
    from plumecast.scoring import at_valid_times, score

__all__ = [
    "ConfigurationError",
    "InvalidDataError",
    "MissingDataError",
    "PlumecastError",
    "Run",
    "all_of",
    "anomalies",
    "anomaly_significance",
    "any_of",
    "apparent_temperature",
    "at_valid_times",
    "climatology_at",
    "datasets",
    "ensemble_forecast",
    "ensemble_mean",
    "ensemble_quantile",
    "ensemble_sensitivity",
    "ensemble_spread",
    "event",
    "event_in_neighbourhood",
    "event_in_window",
    "event_of",
    "explain",
    "extreme_forecast_index",
    "find_runs",
    "load_checkpoint",
    "map_of",
    "most_likely_tercile",
    "open_archive",
    "open_climatology",
    "open_forecast",
    "open_forecasts",
    "open_run",
    "open_scores",
    "plume",
    "probability",
    "probability_of_anomaly",
    "score",
    "shift_of_tails",
    "stamps",
    "systems",
    "verification",
    "wind_chill",
    "wind_direction",
    "wind_speed",
]

_MODULES = {
    "ConfigurationError": "data_catalog.errors",
    "InvalidDataError": "data_catalog.errors",
    "MissingDataError": "data_catalog.errors",
    "PlumecastError": "data_catalog.errors",
    "Run": "plumecast.runs",
    "all_of": "forecast.products.ensemble.events",
    "anomalies": "plumecast.climatologies",
    "anomaly_significance": "forecast.products.ensemble.significance",
    "any_of": "forecast.products.ensemble.events",
    "apparent_temperature": "forecast.products.ensemble.wind",
    "at_valid_times": "plumecast.scoring",
    "climatology_at": "plumecast.climatologies",
    "datasets": "plumecast.known",
    "ensemble_forecast": "plumecast.members",
    "ensemble_mean": "forecast.products.ensemble.summaries",
    "ensemble_quantile": "forecast.products.ensemble.summaries",
    "ensemble_sensitivity": "forecast.products.ensemble.sensitivity",
    "ensemble_spread": "forecast.products.ensemble.summaries",
    "event": "forecast.products.ensemble.events",
    "event_in_neighbourhood": "forecast.products.ensemble.neighbourhoods",
    "event_in_window": "forecast.products.ensemble.events",
    "event_of": "forecast.products.ensemble.expressions",
    "explain": "plumecast.explanations",
    "extreme_forecast_index": "forecast.products.ensemble.extremes",
    "find_runs": "plumecast.runs",
    "load_checkpoint": "plumecast.members",
    "map_of": "plumecast.figures",
    "most_likely_tercile": "forecast.products.ensemble.terciles",
    "open_archive": "plumecast.analyses",
    "open_climatology": "plumecast.climatologies",
    "open_forecast": "forecast.products.files.forecast_reading",
    "open_forecasts": "forecast.products.files.forecast_reading",
    "open_run": "plumecast.runs",
    "open_scores": "plumecast.scores",
    "plume": "plumecast.figures",
    "probability": "forecast.products.ensemble.events",
    "probability_of_anomaly": "forecast.products.ensemble.events",
    "score": "plumecast.scoring",
    "shift_of_tails": "forecast.products.ensemble.extremes",
    "stamps": "plumecast.figures",
    "systems": "plumecast.known",
    "verification": "forecast",
    "wind_chill": "forecast.products.ensemble.wind",
    "wind_direction": "forecast.products.ensemble.wind",
    "wind_speed": "forecast.products.ensemble.wind",
}
"""Where each public name is defined."""

if not TYPE_CHECKING:  # a type checker that saw this function would accept any name

    def __getattr__(name: str) -> Any:
        """Import the module of a public name when the name is first used (PEP 562)."""
        if name == "__version__":
            return import_module("importlib.metadata").version("plumecast")
        if name not in _MODULES:
            raise AttributeError(f"module 'plumecast' has no attribute {name!r}")
        if name == "verification":
            value = import_module("forecast.verification")
        else:
            value = getattr(import_module(_MODULES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__doc__", "__version__"])


import_module("plumecast.accessor")
