"""An index of past states, to find those most like a given one, and never one that knows what is to be forecast."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.layout.times import season_distance, seconds_of_day

HALF_WINDOW_DAYS = 60.0
"""Days of the season on either side of a state that its analogues are taken from."""
APART_DAYS = 30.0
"""Days that must lie between what followed an analogue and what followed the state itself."""


@dataclass(frozen=True)
class AnalogueIndex:
    """States of past times, each as a short list of numbers such as amplitudes of EOFs.

    Attributes:
        times: Times, increasing: (time,).
        coordinates: States: (time, coordinate). The squares of their differences add up to the squared distance.
    """

    times: NDArray[np.datetime64]
    coordinates: NDArray[np.float32]

    @classmethod
    def rounded(cls, times: NDArray[np.datetime64], coordinates: NDArray[np.floating]) -> Self:
        """Return an index of states in half precision, which takes half the room in a file: errors of .05 %.

        Args:
            times: Times, increasing: (time,).
            coordinates: States, below 65504: (time, coordinate).
        """
        return cls(times, coordinates.astype(np.float16).astype(np.float32))

    def to_dataset(self) -> xr.Dataset:
        """Return the states as variables to store."""
        return xr.Dataset(
            {
                "analogue_time": ("past_state", self.times),
                "analogue_coordinates": (("past_state", "coordinate"), self.coordinates),
            }
        )

    @classmethod
    def from_dataset(cls, stored: xr.Dataset) -> Self:
        """Restore an index from stored variables.

        Args:
            stored: Dataset with the variables of `to_dataset`, and perhaps others.
        """
        times = stored["analogue_time"].values.astype("datetime64[ns]")
        return cls(times, stored["analogue_coordinates"].values)

    def nearest(
        self,
        state: NDArray[np.floating],
        time: np.datetime64,
        count: int,
        follow: NDArray[np.timedelta64],
    ) -> NDArray[np.int64]:
        """Return the analogues of a state, the most alike first.

        They have its hour of the day and season, and their sequels are in the index. No sequel lies in a calendar year
        in which the state or its own sequel lies, nor within 30 days of these: an index may therefore hold the time
        that is forecast.

        Args:
            state: The state: (coordinate,).
            time: When it was.
            count: How many are wanted; fewer are returned where there are not as many.
            follow: Leads of the sequel, positive, increasing, such as 24 h, 48 h ...: (lead,).

        Returns:
            Positions in the index: (analogue,).

        Source: Lorenz (1969), doi:10.1175/1520-0469(1969)26<636:APARBN>2.0.CO;2
        """
        candidates = self.candidates(time, follow)
        squares = np.square(self.coordinates[candidates] - state.astype(np.float32)).sum(axis=1, dtype=np.float64)
        nearest: NDArray[np.int64] = candidates[np.argsort(squares, kind="stable")[:count]]
        return nearest

    def sequels(self, positions: NDArray[np.int64], lead: np.timedelta64) -> NDArray[np.float32]:
        """Return what followed some states: (state, coordinate).

        Args:
            positions: Of states whose sequels are in the index.
            lead: How much later.
        """
        found: NDArray[np.float32] = self.coordinates[np.searchsorted(self.times, self.times[positions] + lead)]
        return found

    def candidates(self, time: np.datetime64, follow: NDArray[np.timedelta64]) -> NDArray[np.int64]:
        """Return what may be an analogue of a state, whatever it is like: positions in the index, (candidate,).

        Args:
            time: When the state was.
            follow: Leads of the sequel, as `nearest` takes them.
        """
        start, last = np.asarray([time]).astype("datetime64[ns]"), follow[-1]
        apart = last + np.timedelta64(round(APART_DAYS * 24), "h")
        alike: NDArray[np.int64] = np.flatnonzero(seconds_of_day(self.times) == seconds_of_day(start)[0])
        alike = alike[season_distance(self.times[alike], start) <= HALF_WINDOW_DAYS]
        alike = alike[np.abs(self.times[alike] - start) > apart]
        years = np.concatenate([start, start + last]).astype("datetime64[Y]")
        for own in (np.timedelta64(0), last):
            alike = alike[~np.isin((self.times[alike] + own).astype("datetime64[Y]"), years)]
        for lead in follow:
            alike = alike[self._has(self.times[alike] + lead)]
        return alike

    def _has(self, times: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Whether each time is in the index."""
        found: NDArray[np.bool_] = self.times[np.searchsorted(self.times[:-1], times)] == times
        return found
