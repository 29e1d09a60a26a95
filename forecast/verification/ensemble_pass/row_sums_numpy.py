"""Weighted sums over rows of points without numba, slower: same names, same results."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[Any]
MOMENTS = ("weight", "forecast_mean", "analysis_mean", "forecast_square", "analysis_square", "product")
SUMS = ("issued", "happened", "probability", "points")


def row_moments(forecast: Numbers, analysis: Numbers, weight: Numbers, *, skip_missing: bool) -> Floats:
    """Weight, means, and weighted sums of squares and products of anomalies of two fields, of each row.

    Args:
        forecast: (row, point).
        analysis: (row, point).
        weight: Weights, 0 or more (row, point); a point of weight 0 does not count, whatever it holds.
        skip_missing: Leave out points that lack one of the two; otherwise they make their row NaN.

    Returns:
        (row, `MOMENTS`); means are 0 where nothing has weight.
    """
    counted, fields = _counted((forecast, analysis), weight, skip_missing)
    total = counted.sum(axis=1)
    divisor = np.where(total == 0, 1, total)
    means = [(counted * field).sum(axis=1) / divisor for field in fields]
    one, other = (field - mean[:, None] for field, mean in zip(fields, means, strict=True))
    products = [(counted * product).sum(axis=1) for product in (one * one, other * other, one * other)]
    return np.stack([total, *means, *products], axis=-1)


def class_sums(
    probability: Numbers, happened: Numbers, weight: Numbers, *, edges: Floats, skip_missing: bool
) -> Floats:
    """Sums over classes of probability: of weight, weight x event, weight x probability, and of points.

    Args:
        probability: Probabilities (row, point).
        happened: Whether the event happened, 0 or 1 (row, point).
        weight: Weights, 0 or more (row, point); a point of weight 0 does not count, whatever it holds.
        edges: Increasing edges between classes; a probability on an edge, but for rounding, belongs to the class above.
        skip_missing: Leave out points that lack one of the two; otherwise they make their row NaN.

    Returns:
        (row, class, `SUMS`).
    """
    counted, (chance, seen) = _counted((probability, happened), weight, skip_missing)
    rows, classes = len(counted), len(edges) + 1
    place = np.searchsorted(edges - 1e-9, chance, side="right") + classes * np.arange(rows)[:, None]
    parts = (counted, counted * seen, counted * chance, np.where(counted == 0, 0.0, 1.0))
    sums = [np.bincount(place.ravel(), part.ravel(), rows * classes).reshape(rows, classes) for part in parts]
    whole = np.isfinite(counted.sum(axis=1))
    return np.where(whole[:, None, None], np.stack(sums, axis=-1), np.nan)


def _counted(fields: tuple[Numbers, Numbers], weight: Numbers, skip_missing: bool) -> tuple[Floats, list[Floats]]:
    """Weight with which points count, NaN where they must not be missing; and the fields with 0 where they are."""
    missing = np.isnan(fields[0]) | np.isnan(fields[1])
    counted = np.where(missing & (weight != 0), 0.0 if skip_missing else np.nan, weight).astype(np.float64)
    return counted, [np.where(missing, 0.0, field).astype(np.float64) for field in fields]
