"""Some times of an analysis in memory, as the checks take them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.cells import is_periodic, row_areas

_MOST_POINTS = 2048


@dataclass(frozen=True)
class Fields:
    """Some times of an analysis.

    Attributes:
        times: (time,) ascending.
        latitude: Degrees, ascending.
        longitude: Degrees, ascending.
        values: (time, latitude, longitude) by channel; NaN where missing.
        static: (latitude, longitude) by channel.
        step_hours: Hours between times of the dataset.
    """

    times: NDArray[np.datetime64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    values: Mapping[str, NDArray[np.float32]]
    static: Mapping[str, NDArray[np.float32]]
    step_hours: int

    @property
    def weights(self) -> NDArray[np.float64]:
        """Share of each point in the area of the grid, (latitude, longitude)."""
        rows = row_areas(self.latitude)
        whole = np.repeat(rows[:, None], self.longitude.size, axis=1)
        return np.asarray(whole / whole.sum())

    @property
    def is_periodic(self) -> bool:
        """Whether the last column is next to the first."""
        return is_periodic(self.longitude)

    @property
    def is_global(self) -> bool:
        """Whether the grid covers the globe."""
        return self.is_periodic and float(np.ptp(self.latitude)) > 150

    @property
    def follows(self) -> NDArray[np.bool_]:
        """Whether each time is one step after the one before it, (time,)."""
        steps = np.diff(self.times) == np.timedelta64(self.step_hours, "h")
        return np.concatenate([[False], steps])

    def at(self, chosen: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "Fields":
        """Return some of the times."""
        return replace(self, times=self.times[chosen], values={name: one[chosen] for name, one in self.values.items()})

    def thinned(self) -> "Fields":
        """Return every n-th row and column, at most some 2000 points, for what needs no detail."""
        points = self.latitude.size * self.longitude.size
        every = max(1, int(np.ceil(np.sqrt(points / _MOST_POINTS))))
        return replace(
            self,
            latitude=self.latitude[::every],
            longitude=self.longitude[::every],
            values={name: one[:, ::every, ::every] for name, one in self.values.items()},
            static={name: one[::every, ::every] for name, one in self.static.items()},
        )


def joined(parts: list[Fields]) -> Fields:
    """Return successive fields as one.

    Args:
        parts: Of one grid and one set of channels, in order of time.
    """
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
    return replace(parts[0], times=np.concatenate([part.times for part in parts]), values=values)
