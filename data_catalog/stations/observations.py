"""Observations of stations: a row for each station and time in CSV, or NetCDF on (station, time)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.stations.columns import OBSERVATION_COLUMNS, numbers, read_columns, roles_of, times
from data_catalog.stations.quantities import QUANTITIES, column_of, in_si, quantity_named

_MOST_CELLS_A_ROW = 50
"""Cells that observations may take as an array, per row that they have."""


def observed_quantities(path: Path) -> tuple[str, ...]:
    """Return the quantities that a file of observations holds.

    Args:
        path: CSV or NetCDF.

    Raises:
        MissingDataError: There is no such file.
        InvalidDataError: It cannot be read.
    """
    if path.suffix == ".nc":
        with _opened(path) as opened:
            names = [str(name) for name in opened.data_vars]
    else:
        names = list(read_columns(path).columns)
    return tuple(name for name in QUANTITIES if column_of(name, names) is not None)


def holds_forecasts(path: Path) -> bool:
    """Return whether a CSV file holds forecasts beside its observations: a start, a lead time, or a column `obs`.

    Args:
        path: The file.

    Raises:
        MissingDataError: There is no such file.
        InvalidDataError: It cannot be read.
    """
    names = list(read_columns(path).columns)
    return bool({"init_time", "lead_time"} & set(roles_of(names))) or any(
        name.strip().lower() in OBSERVATION_COLUMNS for name in names
    )


def read_observations(path: Path, quantity: str, *, units: str | None = None) -> xr.DataArray:
    """Read what stations observed of one quantity.

    Args:
        path: CSV, also compressed, with columns of station, time, latitude, longitude, perhaps elevation, and the
            quantity, such as t2m or TT; or NetCDF with such variables on (station, time).
        quantity: Name of the channel, such as t2m.
        units: Units of the values, which are otherwise those that the file states, or those of SYNOP tables.

    Returns:
        Dims (station, time), the time evenly spaced, SI units, NaN where nothing was observed; coordinates `latitude`,
        `longitude` and, where known, `elevation` (m) along `station`.

    Raises:
        MissingDataError: There is no such file.
        InvalidDataError: It holds no such observations.
    """
    return (_from_netcdf if path.suffix == ".nc" else _from_csv)(path, quantity, units)


def _from_csv(path: Path, quantity: str, units: str | None) -> xr.DataArray:
    rows, where = read_columns(path), f"observations {path}"
    roles = roles_of(rows.columns)
    column = _column(quantity, list(map(str, rows.columns)), where)
    moment = roles.get("valid_time") or roles.get("day")
    for role, found in (("station", roles.get("station")), ("time", moment)):
        if found is None:
            raise InvalidDataError(f"{where}: expected a column of {role}, found {', '.join(rows.columns)[:120]}")
    for role in ("latitude", "longitude"):
        if role not in roles:
            raise InvalidDataError(f"{where}: expected a column of {role}, found {', '.join(rows.columns)[:120]}")
    assert moment is not None
    stations, at_station = np.unique(rows[roles["station"]].astype(str), return_inverse=True)
    moments, at_time = np.unique(times(rows, moment, where), return_inverse=True)
    _check_rows(at_station, at_time, (len(stations), len(moments)), where)
    stated = units or _stated_units(rows, roles.get("units")) or _usual_units(quantity, column)
    values = np.full((len(stations), len(moments)), np.nan)
    values[at_station, at_time] = in_si(numbers(rows, column, where), quantity, stated, f"{where}: '{column}'")
    places: dict[str, Any] = {
        role: (
            "station",
            pd.Series(numbers(rows, roles[role], where)).groupby(at_station).median().to_numpy(np.float64),
        )
        for role in ("latitude", "longitude", "elevation")
        if role in roles
    }
    return _evenly_spaced(values, stations, moments, places, quantity)


def _from_netcdf(path: Path, quantity: str, units: str | None) -> xr.DataArray:
    where = f"observations {path}"
    with _opened(path) as opened:
        held = opened.load()
    field = held[_column(quantity, list(map(str, held.data_vars)), where)]
    roles = roles_of(map(str, held.coords)) | {
        role: name for role, name in roles_of(map(str, held.variables)).items() if role in ("elevation", "latitude")
    }
    if set(field.dims) != {"station", "time"} or not {"latitude", "longitude"} <= set(roles):
        raise InvalidDataError(
            f"{where}: expected '{field.name}' on station and time, with latitude and longitude, found {field.dims}"
        )
    field = field.transpose("station", "time")
    stated = units or field.attrs.get("units") or _usual_units(quantity, str(field.name))
    values = in_si(field.values.astype(np.float64), quantity, stated, f"{where}: '{field.name}'")
    order = np.argsort(field["time"].values)
    names = field["station"].values.astype(str) if "station" in field.coords else np.arange(len(values)).astype(str)
    moments = field["time"].values[order].astype("datetime64[ns]")
    if (np.diff(moments) == np.timedelta64(0)).any():
        raise InvalidDataError(f"{where}: expected each time once, found one twice")
    places: dict[str, Any] = {
        role: ("station", held[roles[role]].values.astype(np.float64))
        for role in ("latitude", "longitude", "elevation")
        if role in roles
    }
    return _evenly_spaced(values[:, order], names, moments, places, quantity)


def _opened(path: Path) -> xr.Dataset:
    if not path.exists():
        raise MissingDataError(f"observations {path}: expected a file, found none")
    try:
        return xr.open_dataset(path, engine="netcdf4")
    except (OSError, ValueError) as error:
        found = " ".join(str(error).split())[:120]
        raise InvalidDataError(f"observations {path}: expected NetCDF, found {found}") from None


def _column(quantity: str, names: list[str], where: str) -> str:
    column = column_of(quantity, names)
    if column is None:
        wanted = ", ".join(quantity_named(quantity).columns)
        raise InvalidDataError(f"{where}: expected {quantity} as one of {wanted}, found {', '.join(names)[:120]}")
    return column


def _stated_units(rows: pd.DataFrame, column: str | None) -> str | None:
    if column is None:
        return None
    stated = list(rows[column].dropna().astype(str).unique())
    return str(stated[0]) if len(stated) == 1 else None


def _usual_units(quantity: str, column: str) -> str | None:
    return quantity_named(quantity).column_units.get(column.strip().lower())


def _check_rows(stations: np.ndarray, moments: np.ndarray, shape: tuple[int, int], where: str) -> None:
    if np.prod(shape) > _MOST_CELLS_A_ROW * len(stations):
        raise InvalidDataError(
            f"{where}: expected most stations at most times, found {len(stations)} rows of {shape[0]} stations and "
            f"{shape[1]} times"
        )
    if np.unique(np.ravel_multi_index((stations, moments), shape)).size < len(stations):
        raise InvalidDataError(f"{where}: expected one row for each station and time, found two of one")


def _evenly_spaced(
    values: np.ndarray, stations: np.ndarray, moments: np.ndarray, places: Mapping[str, Any], quantity: str
) -> xr.DataArray:
    """Observations on an even axis of time, which the search for spikes needs."""
    steps = np.diff(moments).astype(np.int64)
    step = int(np.gcd.reduce(steps)) if steps.size else 1
    coords = {"station": stations, "time": moments, **places}
    found = xr.DataArray(values, dims=("station", "time"), coords=coords, name=quantity)
    if steps.size and steps.max() != step:
        number = int((moments[-1] - moments[0]).astype(np.int64) // step) + 1
        if number > _MOST_CELLS_A_ROW * len(moments):
            raise InvalidDataError(f"observations: expected times on a regular axis, found steps of {step / 1e9:g} s")
        found = found.reindex(time=moments[0] + np.arange(number) * np.timedelta64(step, "ns"))
    return found.assign_attrs(units=quantity_named(quantity).units)
