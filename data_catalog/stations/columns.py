"""Columns of tables at stations: read from CSV, and recognised by their names."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError, MissingDataError

ROLES: Mapping[str, tuple[str, ...]] = {
    "station": ("station", "station_id", "stationid", "sid", "wmo_id", "site", "place", "name", "stationname"),
    "init_time": ("init_time", "fcdate", "forecast_reference_time", "init", "start", "basetime"),
    "lead_time": ("lead_time", "leadtime", "lead", "forecast_period", "fhour"),
    "valid_time": ("valid_time", "valid", "validdate", "validtime", "date_time", "datetime"),
    "day": ("date", "time", "day"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "elevation": ("elevation", "elev", "altitude", "height"),
    "model_elevation": ("model_elevation", "model_height", "orography"),
    "units": ("units", "unit"),
}
"""Names of columns in lower case, by what they hold; the first that is there counts. `day` is a start in a table of
forecasts and a valid time in one of observations."""
OBSERVATION_COLUMNS = ("observation", "obs", "observed", "verification")
"""Names of the column of observations beside forecasts, in lower case."""
_HOURS = re.compile(r"(\d+(?:\.\d+)?)\s*h?")


def read_columns(path: Path) -> pd.DataFrame:
    """Read a CSV table, also one compressed with gzip.

    Args:
        path: File whose first line names the columns.

    Raises:
        MissingDataError: There is no such file.
        InvalidDataError: It is no such table, or has no rows.
    """
    if not path.exists():
        raise MissingDataError(f"table {path}: expected a file, found none")
    if not path.is_file():
        raise InvalidDataError(f"table {path}: expected a file, found no regular one")
    try:
        table = pd.read_csv(path, low_memory=False)
    except (ValueError, OSError, EOFError, pd.errors.EmptyDataError) as error:
        found = " ".join(str(error).split())[:120]
        raise InvalidDataError(f"table {path}: expected CSV with a line of column names, found {found}") from None
    if table.empty:
        raise InvalidDataError(f"table {path}: expected rows, found none")
    return table


def roles_of(names: Iterable[str]) -> dict[str, str]:
    """Return the column of each role that a table has, by role.

    Args:
        names: Names of its columns.
    """
    by_lower = {name.strip().lower(): name for name in reversed(list(names))}
    found = {role: [by_lower[known] for known in spellings if known in by_lower] for role, spellings in ROLES.items()}
    return {role: columns[0] for role, columns in found.items() if columns}


def numbers(table: pd.DataFrame, column: str, where: str) -> NDArray[np.float64]:
    """Return a column as numbers; NaN where a cell is empty.

    Args:
        table: The table.
        column: Its name.
        where: The file, for errors.

    Raises:
        InvalidDataError: A cell is no finite number.
    """
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64)
    wrong = (~np.isfinite(values)) & table[column].notna().to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        found = str(table[column].iloc[row])[:40]
        raise InvalidDataError(f"{where}: expected a number in row {row + 1} of '{column}', found '{found}'")
    return values


def times(table: pd.DataFrame, column: str, where: str) -> NDArray[np.datetime64]:
    """Return a column of ISO times, such as 2020-01-31, 20200131 or 2020-01-31 06:00:00, in UTC.

    Args:
        table: The table.
        column: Its name.
        where: The file, for errors.

    Raises:
        InvalidDataError: A cell is no such time.
    """
    texts = table[column].astype(str)
    try:
        found = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    except ValueError as error:  # a time that nanoseconds cannot count
        raise InvalidDataError(f"{where}: expected ISO times in '{column}', found {error}") from None
    if found.isna().any():
        row = int(np.argmax(found.isna().to_numpy()))
        raise InvalidDataError(
            f"{where}: expected an ISO time in row {row + 1} of '{column}', found '{texts.iloc[row][:40]}'"
        )
    return np.asarray(found.dt.tz_localize(None), "datetime64[ns]")


def lead_times(table: pd.DataFrame, column: str, where: str) -> NDArray[np.timedelta64]:
    """Return a column of lead times in hours, as numbers or as texts such as `24h`.

    Args:
        table: The table.
        column: Its name.
        where: The file, for errors.

    Raises:
        InvalidDataError: A cell is no such lead time.
    """
    texts = table[column].astype(str).str.strip()
    distinct = {text: _HOURS.fullmatch(text) for text in texts.unique()}
    for text, match in distinct.items():
        if match is None:
            raise InvalidDataError(f"{where}: expected hours in '{column}', found '{text[:40]}'")
    hours = {text: float(match[1]) for text, match in distinct.items() if match is not None}
    minutes = np.round(texts.map(hours).to_numpy(np.float64) * 60)
    return minutes.astype("timedelta64[m]").astype("timedelta64[ns]")
