"""Point observations from a table: CSV, or NetCDF with one dimension, of time, place, channel, value and error."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.layout.times import iso
from data_catalog.suggestions import did_you_mean
from forecast.control.conditions import Condition, Place

COLUMNS = ("time", "latitude", "longitude", "channel", "value", "error")
NUMBERS = ("latitude", "longitude", "value", "error")


@dataclass(frozen=True)
class PointObservations:
    """Observations at points.

    Attributes:
        time: Valid times, UTC, (observation,).
        latitude: Degrees north.
        longitude: Degrees east.
        channel: Channel names.
        value: SI units.
        error: Standard errors, same units, positive.
    """

    time: NDArray[np.datetime64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    channel: NDArray[np.str_]
    value: NDArray[np.float64]
    error: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time)

    def at(self, time: np.datetime64) -> "PointObservations":
        """Return the observations of one time.

        Args:
            time: Valid time.
        """
        chosen = self.time == time
        return PointObservations(*(getattr(self, name)[chosen] for name in COLUMNS))

    def places(self) -> list[Place]:
        """Return the place of each observation."""
        return [Place(south, south, west, west) for south, west in zip(self.latitude, self.longitude, strict=True)]

    def conditions(self, init_time: np.datetime64) -> list[Condition]:
        """Return the observations as conditions on a forecast.

        Args:
            init_time: Init time of the forecast.

        Raises:
            ConfigurationError: An observation is not after the init time.
        """
        early = self.time <= init_time
        if early.any():
            raise ConfigurationError(
                f"--observe: expected observations after {iso(init_time)}, the start, found one at "
                f"{iso(self.time[early][0])}; those that lead up to a start are for forecast.control.assimilation"
            )
        hours = (self.time - init_time) / np.timedelta64(1, "h")
        if (hours != hours.round()).any():
            odd = self.time[hours != hours.round()][0]
            raise ConfigurationError(f"--observe: expected whole hours after {iso(init_time)}, found {iso(odd)}")
        each = zip(self.channel, self.places(), hours, self.value, self.error, strict=True)
        return [
            Condition(str(name), place, int(lead), "=", float(value), float(error))
            for name, place, lead, value, error in each
        ]


def read_observations(path: Path, channels: Sequence[str]) -> PointObservations:
    """Read point observations from a CSV or NetCDF file.

    Args:
        path: A table with the columns, or variables along one dimension, `time` (ISO 8601 in CSV, UTC), `latitude`,
            `longitude`, `channel`, `value` and `error`; CSV may be compressed (`.csv.gz`).
        channels: Channels that may be observed.

    Raises:
        MissingDataError: There is no such file.
        InvalidDataError: It is no such table, or a value is missing, no number, or off the globe, or an error is not
            positive.
        ConfigurationError: A channel is unknown.
    """
    if not path.exists():
        raise MissingDataError(f"--observe {path}: expected a file, found none")
    table = _table(path)
    absent = [name for name in COLUMNS if name not in table.columns]
    if absent or table.empty:
        found = "no rows" if not absent else ", ".join(map(str, table.columns)) or "none"
        raise InvalidDataError(f"{path}: expected the columns {', '.join(COLUMNS)} with rows, found {found}")
    numbers = {name: _numbers(path, table, name) for name in NUMBERS}
    _check_range(path, "latitude", numbers["latitude"], np.abs(numbers["latitude"]) <= 90, "-90 to 90")
    _check_range(path, "longitude", numbers["longitude"], np.abs(numbers["longitude"]) <= 360, "-360 to 360")
    _check_range(path, "error", numbers["error"], numbers["error"] > 0, "standard errors above 0")
    names = table["channel"].astype(str).to_numpy().astype(np.str_)
    for name in dict.fromkeys(names.tolist()):
        if name not in channels:
            raise ConfigurationError(
                f"{path}: expected channels among {', '.join(channels)}, found '{name}'{did_you_mean(name, channels)}"
            )
    return PointObservations(time=_times(path, table), channel=names, **numbers)


def _table(path: Path) -> pd.DataFrame:
    try:
        if path.name.removesuffix(".gz").endswith(".csv"):
            return pd.read_csv(path, skipinitialspace=True)
        with xr.open_dataset(path, engine="netcdf4") as stored:
            flat = stored.load().to_dataframe().reset_index()
    except (OSError, ValueError, pd.errors.ParserError) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidDataError(f"{path}: expected a CSV or NetCDF table of observations, found {line}") from None
    return flat


def _numbers(path: Path, table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InvalidDataError(f"{path}, {name}, row {row + 1}: expected a number, found '{table[name].iloc[row]}'")
    return values


def _times(path: Path, table: pd.DataFrame) -> NDArray[np.datetime64]:
    times = pd.to_datetime(table["time"], errors="coerce", utc=True, format="ISO8601")
    if times.isna().any():
        row = int(np.flatnonzero(times.isna())[0])
        raise InvalidDataError(f"{path}, time, row {row + 1}: expected an ISO time, found '{table['time'].iloc[row]}'")
    return times.dt.tz_localize(None).to_numpy().astype("datetime64[ns]")


def _check_range(path: Path, name: str, values: NDArray[np.float64], good: NDArray[np.bool_], expected: str) -> None:
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InvalidDataError(f"{path}, {name}, row {row + 1}: expected {expected}, found {values[row]:g}")
