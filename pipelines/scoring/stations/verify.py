"""Forecasts verified against station observations, gridded ones or tables of ensembles at stations."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.locations import Location, parse_location
from data_catalog.stations.forecast_tables import read_forecast_table
from data_catalog.stations.observations import holds_forecasts, observed_quantities, read_observations
from data_catalog.stations.quantities import QUANTITIES, in_si, units_of
from data_catalog.stations.series import at_forecasts, observed_series
from data_catalog.suggestions import did_you_mean
from forecast.verification.station_checks import CheckedObservations, without_gross_errors
from forecast.verification.station_scores import station_scores
from pipelines.scoring.stations.report import checks_json, scores_json
from pipelines.scoring.stations.request import StationRequest, forecast_channels, forecasts_at, is_table, open_tables

logger = logging.getLogger("plumecast")


def verify_at_stations(request: StationRequest, locations: Sequence[str]) -> dict[str, Any]:
    """Score forecasts against what stations observed, less gross errors.

    Args:
        request: Observations, and how forecasts are brought to them.
        locations: Runs, files or stores of gridded forecasts; or CSV tables of ensembles at stations.

    Returns:
        What is written as JSON: for one quantity its report, with `raw`, `quantity`, `units`, `stations` and
        `observations`; for several, such reports by quantity.

    Raises:
        ConfigurationError: Options do not fit the forecasts.
        InvalidDataError: A file is invalid.
        MissingDataError: Nothing was observed where and when it was forecast.
    """
    places = [parse_location(location) for location in locations]
    tables = [is_table(place) for place in places]
    if any(tables) and not all(tables):
        raise ConfigurationError("forecasts: expected tables alone or gridded forecasts alone, found both")
    reports = _of_table(request, places) if all(tables) else _of_grids(request, places)
    return next(iter(reports.values())) if len(reports) == 1 else dict(reports)


def checked_table(table: xr.Dataset, quantity: str | None) -> tuple[xr.Dataset, CheckedObservations | None]:
    """Leave gross errors out of the observations of a table.

    Args:
        table: As `read_forecast_table` returns it, with `observation`.
        quantity: Its channel; None for the one that the table names. Without one nothing can be checked.

    Returns:
        The table, and what the checks found; None if they were not made, which a warning says.

    Raises:
        ConfigurationError: Stations do not observe such a quantity.
        InvalidDataError: The values cannot be of this quantity.
    """
    name = quantity or table.attrs.get("quantity")
    if name is None:
        logger.warning("observations: not checked for gross errors: name their quantity with --channel, such as t2m")
        return table, None
    series = observed_series(table)
    units = table.attrs.get("units") or units_of(series.values, name)
    in_units = series.copy(data=in_si(series.values, name, units, "observations of the table"))
    checked = without_gross_errors(in_units, name)
    kept = at_forecasts(series.where(checked.values.notnull()), table)
    observed = table["observation"].where(kept.notnull().values)
    return table.assign(observation=observed).assign_attrs(quantity=name, units=units), checked


def _of_table(request: StationRequest, places: Sequence[Location]) -> Mapping[str, dict[str, Any]]:
    table = open_tables(request, places)
    if request.stations is not None:
        table, checked = _with_observations(request, request.stations, table)
    elif "observation" in table:
        table, checked = checked_table(table, request.quantity)
    else:
        raise ConfigurationError("--stations: expected observations, as the forecasts have none beside, found none")
    name = str(table.attrs.get("quantity", "forecast"))
    return {name: _report(name, table.attrs.get("units"), table["forecast"], table["observation"], checked)}


def _with_observations(
    request: StationRequest, path: Path, table: xr.Dataset
) -> tuple[xr.Dataset, CheckedObservations | None]:
    """A table with the observations of another file beside it, less gross errors."""
    if is_table(path) and holds_forecasts(path):
        other = read_forecast_table(path, lead_hours=request.lead_hours)
        if "observation" not in other:
            raise InvalidDataError(f"table {path}: expected a column of observations, such as obs, found none")
        found = table.assign(observation=_values_at(observed_series(other), table))
        attributes = {name: other.attrs[name] for name in ("quantity", "units") if name in other.attrs}
        return checked_table(found.assign_attrs(attributes | table.attrs), request.quantity)
    name = request.quantity or table.attrs.get("quantity")
    if name is None:
        raise ConfigurationError("--channel: expected the quantity of the table, such as t2m, found none")
    checked = without_gross_errors(read_observations(path, name, units=request.units), name)
    units = table.attrs.get("units") or units_of(table["forecast"].values, name)
    members = table["forecast"].copy(data=in_si(table["forecast"].values, name, units, "forecasts of the table"))
    attributes = {"quantity": name, "units": QUANTITIES[name].units}
    found = table.assign(forecast=members, observation=_values_at(checked.values, table)).assign_attrs(attributes)
    return found, checked


def _values_at(series: xr.DataArray, table: xr.Dataset) -> tuple[tuple[str, ...], Any]:
    found = at_forecasts(series, table)
    return tuple(map(str, found.dims)), found.values


def _of_grids(request: StationRequest, places: Sequence[Location]) -> Mapping[str, dict[str, Any]]:
    if request.stations is None:
        raise ConfigurationError("--stations: expected a file of observations, found none")
    observed, forecast = observed_quantities(request.stations), forecast_channels(places)
    names = [request.quantity] if request.quantity else [name for name in observed if name in forecast]
    for name in names:
        for held, where in ((observed, str(request.stations)), (forecast, "the forecasts")):
            if name not in held:
                raise ConfigurationError(
                    f"--channel: expected one of {', '.join(held)} of {where}, found '{name}'{did_you_mean(name, held)}"
                )
    if not names:
        raise MissingDataError(
            f"observations {request.stations}: expected one of {', '.join(forecast)}, found {', '.join(observed)}"
        )
    return {name: _of_channel(request, places, request.stations, name) for name in names}


def _of_channel(request: StationRequest, places: Sequence[Location], path: Path, name: str) -> dict[str, Any]:
    checked = without_gross_errors(read_observations(path, name, units=request.units), name)
    forecast = forecasts_at(request, places, checked.values, name)
    observation = at_forecasts(checked.values, forecast.to_dataset(name="forecast"))
    return _report(name, QUANTITIES[name].units, forecast, observation, checked)


def _report(
    name: str, units: str | None, forecast: xr.DataArray, observation: xr.DataArray, checked: CheckedObservations | None
) -> dict[str, Any]:
    scored = int((observation.notnull().any(["init_time", "lead_time"])).sum())
    return {
        "quantity": name,
        "units": units,
        "stations": scored,
        "members": forecast.sizes["member"],
        "observations": checks_json(checked),
        "raw": scores_json(station_scores(forecast, observation)),
    }
