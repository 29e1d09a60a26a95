"""What forecasts are verified at stations with, and the tables that this needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.locations import Location, parse_location
from data_catalog.stations.forecast_tables import read_forecast_table
from forecast.products.ensemble.wind import wind_speed
from forecast.products.files.forecast_reading import open_forecasts
from forecast.verification.station_checks import LIMITS
from forecast.verification.stations import at_height, at_stations

Method = Literal["nearest", "linear", "height"]
TABLES = (".csv", ".csv.gz")


@dataclass(frozen=True)
class StationRequest:
    """How forecasts are brought to stations, and what they are compared with.

    Attributes:
        stations: Observations, or a table with observations beside its forecasts; None for those of the forecasts' own
            tables.
        method: Nearest cell, bilinear, or bilinear and brought to the height of the station by a constant lapse rate.
        orography: Where the height of the model's surface is read for that, m.
        quantity: The only channel to verify; all that both have when None.
        units: Units of the observations, where their file does not say them.
        lead_hours: Lead time of tables that state none.
    """

    stations: Path | None = None
    method: Method = "nearest"
    orography: str | None = None
    quantity: str | None = None
    units: str | None = None
    lead_hours: float | None = None


def is_table(location: object) -> bool:
    """Return whether a forecast is a table of ensembles at stations, by its name.

    Args:
        location: Path or URL.
    """
    return str(location).endswith(TABLES)


def open_tables(request: StationRequest, locations: Sequence[Location]) -> xr.Dataset:
    """Read tables of ensembles at stations, joined along their starts.

    Args:
        request: How they are read.
        locations: CSV files, at least one.

    Returns:
        As `read_forecast_table` returns it.

    Raises:
        InvalidDataError: A table cannot be read, or two hold the same forecast.
        MissingDataError: A file is not there.
    """
    tables = [read_forecast_table(Path(location), lead_hours=request.lead_hours) for location in locations]
    if len(tables) == 1:
        return tables[0]
    stated = {(table.attrs.get("quantity"), table.attrs.get("units"), table.sizes["member"]) for table in tables}
    if len(stated) > 1:
        raise InvalidDataError("tables: expected the same quantity, units and number of members, found different ones")
    try:
        joined = xr.combine_by_coords(tables, join="outer", compat="no_conflicts", combine_attrs="override")
    except (ValueError, xr.MergeError):
        raise InvalidDataError("tables: expected each forecast in one of them, found one in two") from None
    assert isinstance(joined, xr.Dataset)
    return joined


def forecasts_at(
    request: StationRequest, locations: Sequence[Location], places: xr.DataArray, channel: str
) -> xr.DataArray:
    """Bring one channel of gridded forecasts to stations.

    Args:
        request: How they are brought there.
        locations: Runs, files or stores, at least one, of different starts.
        places: Observations, whose stations count: `latitude`, `longitude` and perhaps `elevation` along `station`.
        channel: Name of the channel.

    Returns:
        Dims (station, init_time, lead_time, member), in memory; stations outside the grid are left out.

    Raises:
        InvalidDataError: Two forecasts have the same start, or different members.
        ConfigurationError: Heights are needed and not there.
        MissingDataError: No forecast has the channel, or no station lies on its grid.
    """
    parts = []
    for location in locations:
        for opened in open_forecasts(location):
            field = _channel(opened, channel)
            if field is not None:
                parts += [_at(request, each, places, channel) for each in _by_start(field)]
    if not parts:
        raise MissingDataError(f"forecasts: expected {channel} in one of them, found it in none")
    starts = [part["init_time"].values[0] for part in parts]
    if len(set(starts)) < len(starts):
        raise InvalidDataError("forecasts: expected each start once, found one twice")
    sizes = {part.sizes["member"] for part in parts}
    if len(sizes) > 1:
        raise InvalidDataError(f"forecasts: expected the same number of members everywhere, found {sorted(sizes)}")
    parts = [part.assign_coords(member=np.arange(part.sizes["member"])) for part in parts]
    joined = xr.concat(parts, "init_time", join="outer", coords="minimal", compat="override")
    return joined.sortby("init_time").transpose("station", "init_time", "lead_time", "member")


def forecast_channels(locations: Sequence[Location]) -> list[str]:
    """Return the channels of gridded forecasts, and `wind_speed` where both of its components are there.

    Args:
        locations: Runs, files or stores.
    """
    names = {str(name) for location in locations for opened in open_forecasts(location) for name in opened.data_vars}
    return sorted(names | ({"wind_speed"} if {"u10", "v10"} <= names else set()))


def _channel(opened: xr.Dataset, channel: str) -> xr.DataArray | None:
    if channel == "wind_speed" and channel not in opened and {"u10", "v10"} <= set(opened.data_vars):
        return wind_speed(opened["u10"], opened["v10"])
    return opened.get(channel)


def _by_start(field: xr.DataArray) -> list[xr.DataArray]:
    if "init_time" not in field.dims:
        return [field.expand_dims(init_time=[field["init_time"].values])]
    return [field.isel(init_time=[number]) for number in range(field.sizes["init_time"])]


def _at(request: StationRequest, field: xr.DataArray, places: xr.DataArray, channel: str) -> xr.DataArray:
    method: Literal["nearest", "linear"] = "nearest" if request.method == "nearest" else "linear"
    inside = _on_grid(field, places)
    found = at_stations(field, inside["latitude"], inside["longitude"], method=method)
    found = found.assign_coords(station=inside["station"].values)
    if request.method == "height":
        found = _height_corrected(request, found, inside, channel)
    kept = [name for name in found.coords if name not in (*found.dims, "latitude", "longitude")]
    return found.drop_vars(kept).compute()


def _height_corrected(request: StationRequest, found: xr.DataArray, inside: xr.DataArray, channel: str) -> xr.DataArray:
    limits = LIMITS[channel]
    if not limits.lapse:
        return found
    if request.orography is None or "elevation" not in inside.coords:
        lacking = "--orography" if request.orography is None else "a column of elevation among the observations"
        raise ConfigurationError(f"--at height: expected heights of model and stations, found no {lacking}")
    surface = open_analysis(parse_location(request.orography), [], ["orography"])["orography"]
    model_elevation = at_stations(surface, inside["latitude"], inside["longitude"], method="linear")
    return at_height(found, model_elevation.compute(), inside["elevation"], lapse=limits.lapse)


def _on_grid(field: xr.DataArray, places: xr.DataArray) -> xr.DataArray:
    """Stations that lie between the outermost points of a grid."""
    latitude, longitude = field["latitude"].values, field["longitude"].values
    wanted = (places["longitude"].values - longitude.min()) % 360
    width = float(longitude.max() - longitude.min())
    around = width + float(np.abs(np.diff(longitude)).max()) >= 360 - 1e-3
    inside = (places["latitude"].values >= latitude.min()) & (places["latitude"].values <= latitude.max())
    inside &= around | (wanted <= width)
    if not inside.any():
        raise MissingDataError("observations: expected a station on the grid of the forecast, found none")
    return places.isel(station=np.flatnonzero(inside))
