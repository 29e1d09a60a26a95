"""Control limits of the spread of a system's forecasts, from its own earlier runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST_RUNS = 10
"""Fewer earlier runs do not tell what is usual."""
MOST_RUNS = 60
_DEVIATIONS = 5.0
_NARROWEST = 1.5
"""No limit is nearer to the usual spread than this factor."""
_NORMAL = 1.4826
"""Standard deviation of a normal distribution in units of its median absolute deviation."""


@dataclass(frozen=True)
class Limits:
    """Limits of a spread.

    Attributes:
        low: Lower limit.
        usual: Median of the earlier runs.
        high: Upper limit.
    """

    low: float
    usual: float
    high: float


def control_limits(earlier: Sequence[float]) -> Limits | None:
    """Return the limits of a spread: its median over earlier runs times and divided by a factor.

    The factor is that of five standard deviations of the logarithm, by the median absolute deviation, and at least 1.5.

    Args:
        earlier: Spread of earlier runs of the same model at the same lead; any that is not positive does not count.

    Returns:
        The limits; None if fewer than 10 runs count.

    Source: Shewhart's chart of individual values, with robust estimates: Montgomery (2012), ISBN 978-1-118-14681-1
    """
    positive = np.array([spread for spread in earlier if spread > 0 and np.isfinite(spread)], np.float64)
    if positive.size < FEWEST_RUNS:
        return None
    logs = np.log(positive)
    median = float(np.median(logs))
    width = max(_DEVIATIONS * _NORMAL * float(np.median(np.abs(logs - median))), float(np.log(_NARROWEST)))
    return Limits(*(float(np.exp(median + shift)) for shift in (-width, 0.0, width)))
