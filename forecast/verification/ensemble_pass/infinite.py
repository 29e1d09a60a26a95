"""Statistics of points at which a member or the analysis is infinite, as in reflectivity (dBZ) without echo.

The pass takes differences from a member, which infinite ones do not have; its counts and events are right.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mend_infinite(
    members: NDArray[Any], observed: NDArray[Any], floats: NDArray[Any], counts: NDArray[Any], least: int
) -> None:
    """Fill in the floats of points whose error is not finite though nothing is missing there.

    The mean, its error and the CRPS take the values of their definitions, which may be infinite; the variance is left
    undefined. Other points are not read.

    Args:
        members: Ensemble, members on the last axis.
        observed: Verifying values, on the other axes.
        floats: The first 2, 3 or 5 of mean, error, variance, plain and fair CRPS, then the axes of `observed`; mended
            in place.
        counts: Number of valid members first, then the axes of `observed`.
        least: Number of valid members below which the floats of a point are missing.
    """
    wrong = ~np.isfinite(floats[1]) & ~np.isnan(observed) & (counts[0] >= max(least, 1))
    if not wrong.any():
        return
    x, y = members[wrong].astype(np.float64), observed[wrong].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(x, axis=-1) / (~np.isnan(x)).sum(axis=-1)
        mended = (mean, mean - y, np.full_like(y, np.nan), *infinite_crps(x, y))
        for field, values in zip(floats, mended, strict=False):
            field[wrong] = values


def infinite_crps(members: NDArray[np.float64], observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Plain and fair CRPS of ensembles with infinite members, as integrals over all thresholds of the Brier score.

    Between the outermost finite numbers the integral is the CRPS of members that are clipped to them. Beyond, the Brier
    score is constant: the integral is infinite where it is positive, and nothing where it is 0.

    Args:
        members: (point, member), NaN where a member is missing.
        observed: Verifying values (point,), no NaN.

    Returns:
        Plain and fair CRPS (2, point); the fair one is NaN for fewer than two members.

    Source: Gneiting and Raftery (2007), doi:10.1198/016214506000001437, equation 20
    """
    every = np.concatenate([members, observed[:, None]], axis=-1)
    finite = np.isfinite(every)
    low = np.where(finite, every, np.inf).min(axis=-1, keepdims=True)
    low = np.where(np.isfinite(low), low, 0.0)
    high = np.where(finite, every, low).max(axis=-1, keepdims=True)
    clipped, y = np.clip(members, low, high), np.clip(observed[:, None], low, high)
    count = (~np.isnan(members)).sum(axis=-1).astype(np.float64)
    absolute = np.nansum(np.abs(clipped - y), axis=-1) / count
    position = np.arange(members.shape[-1])
    pairs = np.nansum((2.0 * position + 1.0 - count[:, None]) * np.sort(clipped - low, axis=-1), axis=-1)
    several = np.where(count > 1, count, np.nan)
    scores = np.stack([absolute - pairs / count**2, absolute - pairs / (several * (several - 1))])
    for end in (-np.inf, np.inf):
        there = (members == end).sum(axis=-1)
        wrong = np.where(observed == end, count - there, there)
        scores[0] = np.where(wrong > 0, np.inf, scores[0])
        scores[1] = np.where((wrong > 1) & (count > 1), np.inf, scores[1])
    return scores
