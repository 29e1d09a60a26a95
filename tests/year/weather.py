"""A source of daily analyses that has all the faults of a real one, on a clock of its own."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import xarray as xr

from tests.source_faults.server import FaultyServer

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ARRIVES = 5 * HOUR
"""When an analysis is usually there, after its time."""
SHOWN_DAYS = 12
"""How many days the source keeps, as sources in real time do."""


@dataclass
class Clock:
    """A clock that goes only when told, and may be wrong.

    Attributes:
        true: The time that it is.
        error: By how much the clock of the machine is ahead.
    """

    true: datetime
    error: timedelta = timedelta(0)

    def read(self) -> datetime:
        """Return what the machine takes for the time."""
        return self.true + self.error


@dataclass
class Source:
    """Serves the latest analyses as one NetCDF file over HTTP.

    Attributes:
        directory: Where the file lies.
        weather: All analyses of the year.
        arrivals: When each analysis is there, by its day; a day that is absent comes in time, None never.
        corrected: Until when an analysis is wrong there, and how, by its day.
    """

    directory: Path
    weather: xr.Dataset
    arrivals: dict[datetime, datetime | None] = field(default_factory=dict)
    corrected: dict[datetime, tuple[datetime, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.shown, self.number = "", 0
        self.server = FaultyServer(self.directory.parent)

    @property
    def url(self) -> str:
        """Where cycles find it: another name for each file, as the server states the same time of change of all."""
        return f"{self.server.endpoint}/{self.directory.name}/analyses-{self.number}.nc"

    def show(self, now: datetime) -> None:
        """Publish what is there at a time; the file is written only if it changed.

        Args:
            now: The true time.
        """
        days = [now.replace(hour=0, minute=0) - DAY * back for back in range(SHOWN_DAYS, -1, -1)]
        there = [day for day in days if self._arrival(day) is not None and self._arrival(day) <= now]  # type: ignore[operator]
        wrong = {day: how for day, (until, how) in self.corrected.items() if day in there and now < until}
        shown = f"{there}{wrong}"
        if shown == self.shown:
            return
        self.shown = shown
        fields = self.weather.sel(time=[np.datetime64(day.replace(tzinfo=None), "ns") for day in there]).load().copy()
        for day, how in wrong.items():
            spoil(fields, np.datetime64(day.replace(tzinfo=None), "ns"), how)
        partial = self.directory / "partial"
        fields.to_netcdf(partial, engine="netcdf4")
        if "truncated" in wrong.values():
            os.truncate(partial, partial.stat().st_size // 2)
        (self.directory / f"analyses-{self.number}.nc").unlink(missing_ok=True)
        self.number += 1
        partial.replace(self.directory / f"analyses-{self.number}.nc")

    @contextmanager
    def out(self) -> Iterator[None]:
        """Answer nothing within the block."""
        away = self.directory.with_name("away")
        self.directory.rename(away)
        self.server.directory = away
        self.server.close()
        try:
            yield
        finally:
            away.rename(self.directory)
            self.server = FaultyServer(self.directory.parent)

    def close(self) -> None:
        """Stop serving."""
        self.server.close()
        shutil.rmtree(self.directory)

    def _arrival(self, day: datetime) -> datetime | None:
        return self.arrivals.get(day, day + ARRIVES)


def spoil(fields: xr.Dataset, time: np.datetime64, how: str) -> None:
    """Alter one analysis in place.

    Args:
        fields: Analyses.
        time: Which one.
        how: `nan`: a box without values; `suspect`: 40 K too warm in a box; anything else leaves it as it is.
    """
    values = fields["t2m"].values
    index = list(fields["time"].values).index(time)
    if how == "nan":
        values[index, 2:4, 3:6] = np.nan
    elif how == "suspect":
        values[index, 2:6, 3:9] += 40


def at(day: np.datetime64, hours: float = 0.0) -> datetime:
    """Return a time of a day, in UTC."""
    midnight = datetime.fromisoformat(str(day.astype("datetime64[D]"))).replace(tzinfo=UTC)
    return midnight + hours * HOUR
