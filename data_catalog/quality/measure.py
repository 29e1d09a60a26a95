"""Numbers that say how unusual each time of a channel is, the families of checks that make them, and their limits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST_DISTANCE = 0.02
_DOUBLED_BY = 25
"""Number of values from which a distance is taken twice as large as it looks."""
FEWEST = 20
"""Fewest measurements from which a limit can be drawn."""


@dataclass(frozen=True)
class Measure:
    """One number for each time of a channel; the larger, the less usual.

    Attributes:
        check: Family of the check, such as `spikes`.
        values: (time,), NaN where nothing could be measured.
        reason: What is wrong where the limit is passed; `{value}` stands for the number, `{limit}` for the limit.
        limit: Limit by physics; None for one that is drawn from what is usual.
        least: A limit drawn from what is usual is not smaller than this.
        reach: How far beyond the usual a limit lies, in distances between the median and the 90th percentile.
    """

    check: str
    values: NDArray[np.floating]
    reason: str
    limit: float | None = None
    least: float = 0.0
    reach: float = 6.0

    @property
    def count(self) -> int:
        """Number of times at which something was measured."""
        return int(np.isfinite(self.values).sum())


Measures = Mapping[str, Measure]
"""Measures of one channel by name."""


def usual_limit(measure: Measure) -> float:
    """Return the limit of a measure, from times most of which are good.

    The distribution is taken to fall off beyond its 90th percentile as it does between that and the median, on a
    logarithmic scale, so that a few bad times among many good ones do not raise the limit.

    Args:
        measure: Of the reference.

    Returns:
        Infinity if too little was measured.
    """
    if measure.limit is not None:
        return measure.limit
    found = measure.values[np.isfinite(measure.values)]
    if found.size < FEWEST:
        return float("inf")
    middle, distance = usual(found)
    return max(measure.least, float(np.exp(middle + measure.reach * distance)))


def usual(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the median of the logarithm of a measure, and the distance that a reach counts.

    Args:
        values: Of the reference, finite.

    Returns:
        The distance is that from the median to the 90th percentile, larger the fewer values it is drawn from.
    """
    middle, high = np.quantile(np.log(np.maximum(values, 1e-12)), [0.5, 0.9])
    return float(middle), max(float(high - middle), _LEAST_DISTANCE) * (1 + _DOUBLED_BY / values.size)
