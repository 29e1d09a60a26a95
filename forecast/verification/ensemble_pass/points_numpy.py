"""What scores without members take of each point, without numba, slower: same names, same results."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[Any]


def first_outside(values: Numbers, low: float, high: float) -> int:
    """Position of the first number that is not within bounds, in the array made flat; -1 where all are or are missing.

    Args:
        values: Numbers of any shape.
        low: Lower bound, which is within.
        high: Upper bound, which is within.
    """
    return _first((values < low) | (values > high))


def first_between(values: Numbers, low: float, high: float) -> int:
    """Position of the first number that is neither of two, in the array made flat; -1 where all are or are missing.

    Args:
        values: Numbers of any shape.
        low: One of the two.
        high: The other.
    """
    return _first(~(np.isnan(values) | (values == low) | (values == high)))


def squared_differences(one: Numbers, other: Numbers) -> Floats:
    """Squares of differences.

    Args:
        one: Numbers.
        other: Numbers whose shape fits those of `one`.
    """
    return np.asarray(np.subtract(one, other, dtype=np.float64) ** 2)


@np.errstate(invalid="ignore")
def interval_parts(low: Numbers, high: Numbers, analysis: Numbers, *, scale: float) -> Floats:
    """Interval score, its width, penalties above and below, and whether the analysis lies within, ends included.

    Args:
        low: Lower ends.
        high: Upper ends, whose shape fits.
        analysis: Analysis, whose shape fits.
        scale: Factor of what misses the interval.

    Returns:
        The five parts first; all NaN where anything is missing.
    """
    bottom, top, seen = (field.astype(np.float64) for field in (low, high, analysis))
    width, above, below = top - bottom, scale * np.maximum(seen - top, 0), scale * np.maximum(bottom - seen, 0)
    parts = np.broadcast_arrays(width + above + below, width, above, below, (seen >= bottom) & (seen <= top))
    return np.where(np.isnan(bottom) | np.isnan(top) | np.isnan(seen), np.nan, np.stack(parts))


def turns(direction: Numbers, analysis: Numbers) -> Floats:
    """Differences of directions, degrees: from -180 on to less than 180, their sizes, and their squares.

    Args:
        direction: Directions, degrees.
        analysis: Directions from which they differ, whose shape fits.

    Returns:
        The three parts first.
    """
    apart = (np.subtract(direction, analysis, dtype=np.float64) + 180) % 360 - 180
    return np.stack([apart, np.abs(apart), apart**2])


@np.errstate(invalid="ignore")
def pinball(quantiles: Numbers, analysis: Numbers, levels: Floats) -> Floats:
    """Pinball losses (1{y < q} - level) (q - y).

    Args:
        quantiles: Quantiles q: the shape of `analysis`, then levels.
        analysis: Analysis y.
        levels: Level of each quantile.
    """
    error = np.subtract(quantiles, analysis[..., None], dtype=np.float64)
    return np.asarray(((error > 0) - levels) * error)


@np.errstate(invalid="ignore")
def quantile_integral(quantiles: Numbers, analysis: Numbers, levels: Floats, widths: Floats) -> Floats:
    """Twice the sum over levels of width x pinball loss, one level at a time to stay in the cache of the processor.

    Args:
        quantiles: Quantiles: the shape of `analysis`, then levels.
        analysis: Analysis.
        levels: Level of each quantile.
        widths: Width of each level.
    """
    total = np.zeros(analysis.shape)
    for index, (level, width) in enumerate(zip(levels, widths, strict=True)):
        error = np.subtract(quantiles[..., index], analysis, dtype=np.float64)
        total += 2 * width * np.maximum((1 - level) * error, -level * error)
    return total


@np.errstate(invalid="ignore")
def skills(score: Numbers, reference: Numbers, perfect: float) -> Numbers:
    """Skill (reference - score) / (reference - perfect), NaN where the reference is perfect.

    Args:
        score: Scores.
        reference: Scores of the reference, whose shape fits.
        perfect: Score of a perfect forecast.

    Returns:
        In float32 where both are, else in float64.
    """
    dtype: Any = np.float32 if score.dtype == reference.dtype == np.float32 else np.float64
    better, worse = (field.astype(dtype, copy=False) for field in (score, reference))
    room = worse - dtype(perfect)
    return np.asarray((worse - better) / np.where(room != 0, room, np.nan))


def _first(wrong: NDArray[np.bool_]) -> int:
    return int(np.argmax(wrong)) if wrong.any() else -1
