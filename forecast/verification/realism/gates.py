"""A gate: figures, each with limits; it passes if every figure lies within its own, and there is one at least."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import xarray as xr

_FACTOR = 0.002
"""How far the product of two limits may be from 1 that are a factor up and down, as both are stored rounded."""
Status = Literal["passed", "failed", "not measured"]


@dataclass(frozen=True)
class Figure:
    """One number of a gate.

    Attributes:
        of: What it is of, such as channel `v250`, band `8-11` and lead time `240 h`, by dimension.
        value: The number; NaN where it could not be computed, which fails.
        low: Lower limit.
        high: Upper limit.
    """

    of: Mapping[str, str]
    value: float
    low: float
    high: float

    @property
    def passed(self) -> bool:
        """Whether the number lies within its limits."""
        return self.low <= self.value <= self.high

    @property
    def off(self) -> float:
        """How far the number is off: 1 at the upper and -1 at the lower limit, infinite where there is no number.

        By logarithms where the limits are a factor up and down.
        """
        if not np.isfinite(self.value):
            return np.inf
        if self.low > 0 and self.value > 0 and abs(self.low * self.high - 1) < _FACTOR:
            off = float(np.log(self.value) / np.log(self.high))
        else:
            middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
            off = (self.value - middle) / max(half, 1e-300)
        return float(np.clip(off, -1.0, 1.0)) if self.passed else off

    @property
    def words(self) -> str:
        """The number, what it is of, and its limits, on one line."""
        return f"{', '.join(self.of.values())}: {self.value:.3g}, expected {self.low:.3g} to {self.high:.3g}"


@dataclass(frozen=True)
class Gate:
    """A gate with its figures.

    Attributes:
        name: Short name, such as `spectrum`.
        title: What is measured, in a line.
        figures: All numbers.
        reason: Why there is none, where the system cannot have any; a gate without figures and reason has failed.
    """

    name: str
    title: str
    figures: Sequence[Figure] = field(default=())
    reason: str = ""

    @property
    def failures(self) -> list[Figure]:
        """Figures beyond their limits, the worst first."""
        return sorted((each for each in self.figures if not each.passed), key=lambda each: abs(each.off), reverse=True)

    @property
    def worst(self) -> Figure | None:
        """The figure that is nearest to, or farthest beyond, a limit; None if nothing was measured."""
        return max(self.figures, key=lambda each: abs(each.off), default=None)

    @property
    def status(self) -> Status:
        """Whether it passed; a gate that measured nothing fails unless a reason is given."""
        if not self.figures:
            return "not measured" if self.reason else "failed"
        return "failed" if self.failures else "passed"


def figures_of(values: xr.DataArray, low: xr.DataArray, high: xr.DataArray) -> list[Figure]:
    """Return the figures of an array.

    Args:
        values: The numbers, with a coordinate for each dimension.
        low: Lower limits, on some or all dimensions of `values`; NaN where a number is not to be judged, which leaves
            it out.
        high: Upper limits.
    """
    values, low, high = xr.broadcast(values, low, high)
    labels = {str(dim): [_label(label) for label in values[dim].values] for dim in values.dims}
    found = []
    for place in np.ndindex(values.shape):
        if np.isfinite(low.values[place]):
            of = {dim: names[index] for (dim, names), index in zip(labels.items(), place, strict=True)}
            found.append(Figure(of, *(float(each.values[place]) for each in (values, low, high))))
    return found


def _label(label: object) -> str:
    if isinstance(label, np.timedelta64):
        return f"{label / np.timedelta64(1, 'h'):g} h"
    return str(label)
