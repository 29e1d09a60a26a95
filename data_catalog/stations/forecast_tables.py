"""Ensembles at stations as tables: a row for each place, start and lead time, members in columns, observation beside.

Anyone's CSV is read: the columns of members are those that share a name and differ in their number.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.stations.columns import OBSERVATION_COLUMNS, lead_times, numbers, read_columns, roles_of, times
from data_catalog.stations.quantities import quantity_of
from data_catalog.storage.atomic_files import atomic_path

logger = logging.getLogger("plumecast")
DIMS = ("station", "init_time", "lead_time")
_NUMBERED = re.compile(r"(?P<stem>.*?\D)(?P<number>\d+)")
_SINGLE = re.compile(r"(?:forc\.|fc\.)?(hres|ctrl?|control|cf|det|deterministic|oper)", re.IGNORECASE)
_USUAL_LEAD_HOURS = 24.0
_MOST_CELLS_A_ROW = 200
"""Cells that a table may take as an array, per row that it has: others are no table of regular forecasts."""


@dataclass(frozen=True)
class _Table:
    """Rows of a table, and where they lie in the array."""

    rows: pd.DataFrame
    at: tuple[NDArray[np.intp], ...]
    shape: tuple[int, ...]
    where: str

    def spread_out(self, columns: Sequence[str]) -> NDArray[np.float64]:
        """Values of columns as an array on `DIMS` and one for the columns; NaN where there is no row."""
        values = np.full((*self.shape, len(columns)), np.nan)
        values[self.at] = np.stack([numbers(self.rows, column, self.where) for column in columns], axis=1)
        return values

    def of_stations(self, column: str) -> NDArray[np.float64]:
        """Median of a column at each station."""
        medians = pd.Series(numbers(self.rows, column, self.where)).groupby(self.at[0]).median()
        return np.asarray(medians, np.float64)


def read_forecast_table(path: Path, *, lead_hours: float | None = None) -> xr.Dataset:
    """Read a table of ensembles at stations.

    Args:
        path: CSV, also compressed, or a NetCDF file as `write_forecast_table` writes it.
        lead_hours: Lead time of all rows, hours, where no column holds it; None takes 24 and warns.

    Returns:
        `forecast` (station, init_time, lead_time, member), NaN where there is no row; `observation`, if a column has
        it; `single_forecast` (..., model), if there are columns such as HRES or CTRL; coordinates `latitude`,
        `longitude`, `elevation` and `model_elevation` along `station`, where there are such columns. Values are in the
        attribute `units`, if the table states it; the attribute `quantity` is the channel, if a name says it.

    Raises:
        MissingDataError: There is no such file.
        InvalidDataError: It cannot be read as such a table.
    """
    if path.suffix == ".nc":
        return _read_netcdf(path)
    rows, where = read_columns(path), f"table {path}"
    roles = roles_of(rows.columns)
    members = _member_columns([name for name in rows.columns if name not in roles.values()], where)
    starts, leads = _starts_and_leads(rows, roles, where, lead_hours)
    stations = rows[roles["station"]].astype(str).to_numpy() if "station" in roles else np.full(len(rows), "station")
    table, axes = _placed(rows, (stations, starts, leads), where)
    found = xr.Dataset(
        {"forecast": ((*DIMS, "member"), table.spread_out(members))},
        dict(zip(DIMS, axes, strict=True)) | {"member": np.arange(len(members))},
    )
    places = {role: ("station", table.of_stations(column)) for role, column in roles.items() if role in _OF_STATIONS}
    attributes = _described(
        rows, roles, observation := _observation_column(list(rows.columns), [*members, *roles.values()])
    )
    single = [name for name in rows.columns if _SINGLE.fullmatch(name)]
    if observation is not None:
        found["observation"] = (DIMS, table.spread_out([observation])[..., 0])
    if single:
        names = [_SINGLE.fullmatch(name)[1].lower() for name in single]  # type: ignore[index]
        found = found.assign_coords(model=names).assign(single_forecast=((*DIMS, "model"), table.spread_out(single)))
    return found.assign_coords(places).assign_attrs(attributes)


def write_forecast_table(path: Path, table: xr.Dataset) -> Path:
    """Write an ensemble at stations as a table.

    Args:
        path: `.nc` writes NetCDF; any other name CSV, with rows where there are members, and columns station,
            latitude, longitude, init_time, lead_time (hours), valid_time, observation and member000 and so on.
        table: As `read_forecast_table` returns it.

    Returns:
        The path.

    Raises:
        ConfigurationError: It cannot be written.
    """
    with atomic_path(path) as partial:
        if path.suffix == ".nc":
            table.to_netcdf(partial, engine="netcdf4")
        else:
            _as_rows(table).to_csv(partial, index=False, float_format="%.6g", compression=_compression(path))
    return path


_OF_STATIONS = ("latitude", "longitude", "elevation", "model_elevation")


def _compression(path: Path) -> Literal["gzip"] | None:
    return "gzip" if path.suffix == ".gz" else None


def _as_rows(table: xr.Dataset) -> pd.DataFrame:
    members = table["forecast"].transpose(*DIMS, "member")
    there = members.notnull().any("member").values
    at = np.nonzero(there)
    station, start, lead = (table[dim].values[index] for dim, index in zip(DIMS, at, strict=True))
    columns: dict[str, object] = {"station": station}
    columns |= {name: table[name].values[at[0]] for name in _OF_STATIONS if name in table.coords}
    columns |= {"init_time": start, "lead_time": lead / np.timedelta64(1, "h"), "valid_time": start + lead}
    if "units" in table.attrs:
        columns["units"] = table.attrs["units"]
    if "observation" in table:
        columns["observation"] = table["observation"].transpose(*DIMS).values[at]
    values = members.values[at]
    columns |= {f"member{number:03d}": values[:, number] for number in range(values.shape[1])}
    return pd.DataFrame(columns)


def _read_netcdf(path: Path) -> xr.Dataset:
    if not path.exists():
        raise MissingDataError(f"table {path}: expected a file, found none")
    try:
        with xr.open_dataset(path, engine="netcdf4", decode_timedelta=True) as opened:
            table = opened.load()
    except (OSError, ValueError) as error:
        found = " ".join(str(error).split())[:120]
        raise InvalidDataError(f"table {path}: expected NetCDF, found {found}") from None
    if "forecast" not in table or set(table["forecast"].dims) != {*DIMS, "member"}:
        found = ", ".join(map(str, table.data_vars)) or "nothing"
        raise InvalidDataError(f"table {path}: expected 'forecast' on {', '.join(DIMS)} and member, found {found}")
    return table.transpose(*DIMS, "member", ...)


def _member_columns(names: Sequence[str], where: str) -> list[str]:
    """Columns of the members, by number: the largest group of names that differ in their number alone."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if match := _NUMBERED.fullmatch(name):
            groups.setdefault(match["stem"], []).append((int(match["number"]), name))
    largest = max(groups.values(), key=len, default=[])
    if len(largest) < 2:
        raise InvalidDataError(
            f"{where}: expected columns of at least 2 members, such as member001, found {', '.join(names)[:120]}"
        )
    return [name for _, name in sorted(largest)]


def _observation_column(names: Sequence[str], taken: Sequence[str]) -> str | None:
    free = {name.strip().lower(): name for name in names if name not in taken}
    known = next((free[name] for name in OBSERVATION_COLUMNS if name in free), None)
    return known or next((name for name in free.values() if quantity_of(name) is not None), None)


def _described(rows: pd.DataFrame, roles: Mapping[str, str], observation: str | None) -> dict[str, str]:
    """Quantity and units of a table, as far as it says them."""
    found: dict[str, str] = {}
    quantity = quantity_of(observation) if observation is not None else None
    if quantity is not None:
        found["quantity"] = quantity
    stated = list(rows[roles["units"]].dropna().astype(str).unique()) if "units" in roles else []
    if len(stated) > 1:
        raise InvalidDataError(f"table: expected the same units in all rows, found {', '.join(stated)[:80]}")
    if len(stated) == 1:
        found["units"] = str(stated[0])
    return found


def _starts_and_leads(
    rows: pd.DataFrame, roles: Mapping[str, str], where: str, lead_hours: float | None
) -> tuple[NDArray[np.datetime64], NDArray[np.timedelta64]]:
    start = roles.get("init_time") or roles.get("day")
    if "lead_time" in roles:
        leads = lead_times(rows, roles["lead_time"], where)
    elif start is not None and "valid_time" in roles:
        leads = times(rows, roles["valid_time"], where) - times(rows, start, where)
    else:
        if lead_hours is None:
            logger.warning("%s: no column of lead times: all are taken as %g h ahead", where, _USUAL_LEAD_HOURS)
        hours = _USUAL_LEAD_HOURS if lead_hours is None else lead_hours
        leads = np.full(len(rows), np.timedelta64(round(hours * 60), "m")).astype("timedelta64[ns]")
    if start is not None:
        return times(rows, start, where), leads
    if "valid_time" in roles:
        return times(rows, roles["valid_time"], where) - leads, leads
    found = ", ".join(map(str, rows.columns))[:120]
    raise InvalidDataError(f"{where}: expected a column of starts, such as init_time, found {found}")


def _placed(
    rows: pd.DataFrame, keys: tuple[NDArray[np.generic], ...], where: str
) -> tuple[_Table, list[NDArray[np.generic]]]:
    axes, at = zip(*(np.unique(key, return_inverse=True) for key in keys), strict=True)
    shape = tuple(len(axis) for axis in axes)
    if np.prod(shape) > _MOST_CELLS_A_ROW * len(rows):
        raise InvalidDataError(f"{where}: expected most stations at most starts, found {len(rows)} rows of {shape}")
    flat = np.ravel_multi_index(at, shape)
    distinct, counts = np.unique(flat, return_counts=True)
    if (counts > 1).any():
        twice = np.unravel_index(int(distinct[np.argmax(counts > 1)]), shape)
        row = ", ".join(str(axis[index]) for axis, index in zip(axes, twice, strict=True))
        raise InvalidDataError(f"{where}: expected one row for each station, start and lead time, found two of {row}")
    return _Table(rows, at, shape, where), list(axes)
