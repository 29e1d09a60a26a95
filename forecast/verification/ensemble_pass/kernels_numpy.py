"""The pass over an ensemble in NumPy, for platforms without numba; the same results, several times slower."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

TILE_VALUES = 262_144
"""Values of the ensemble that are worked on together, so that they stay in the cache of the processor."""


def ensemble_pass(
    ensemble: NDArray[Any],
    analysis: NDArray[Any],
    thresholds: NDArray[Any],
    floats: NDArray[Any],
    counts: NDArray[Any],
    least: int,
) -> bool:
    """Fill in the statistics of every point.

    Args:
        ensemble: Members (outer, members, inner), any strides.
        analysis: Verifying values (outer, inner), the dtype of `ensemble`.
        thresholds: Thresholds of the events (count,), the dtype of `ensemble`.
        floats: To be filled (statistic, outer, inner): the first 0, 2, 3 or 5 of mean, error of the mean, variance
            (divided by M - 1), plain CRPS, fair CRPS; then the Brier and the fair Brier score of each threshold.
        counts: To be filled (3 + thresholds, outer, inner): valid members, members below the analysis, members equal to
            it, members above each threshold.
        least: Number of valid members below which the floats of a point are missing.

    Returns:
        False: it is not known whether all numbers are finite.
    """
    sums = len(floats) - 2 * len(thresholds)
    width = max(TILE_VALUES // ensemble.shape[1], 1)
    for outer in range(ensemble.shape[0]):
        for start in range(0, ensemble.shape[2], width):
            here = slice(start, start + width)
            members, observed = ensemble[outer, :, here], analysis[outer, here]
            tally = counts[:, outer, here]
            _count(members, observed, thresholds, tally)
            if sums:
                _sum(members, observed, tally[0], floats[:sums, outer, here])
            _events(observed, thresholds, tally, floats[sums:, outer, here])
            floats[:, outer, here] = np.where(tally[0] < least, np.nan, floats[:, outer, here])
    return False


def _count(members: NDArray[Any], observed: NDArray[Any], thresholds: NDArray[Any], tally: NDArray[Any]) -> None:
    tally[0] = np.count_nonzero(~np.isnan(members), axis=0)
    tally[1] = np.count_nonzero(members < observed, axis=0)
    tally[2] = np.count_nonzero(members == observed, axis=0)
    for index, threshold in enumerate(thresholds):
        tally[3 + index] = np.count_nonzero(members > threshold, axis=0)


def _sum(members: NDArray[Any], observed: NDArray[Any], valid: NDArray[Any], floats: NDArray[Any]) -> None:
    present = ~np.isnan(members)
    reference = np.fmin.reduce(members, axis=0).astype(np.float64)
    count = valid.astype(np.float64)
    several = np.where(count > 1, count, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = members.astype(np.float64) - reference
        distance = observed.astype(np.float64) - reference
        mean = np.where(present, centred, 0.0).sum(axis=0) / count
        floats[0] = reference + mean
        floats[1] = mean - distance
        if len(floats) > 2:
            floats[2] = np.where(present, (centred - mean) ** 2, 0.0).sum(axis=0) / (several - 1)
        if len(floats) > 3:
            absolute = np.where(present, np.abs(centred - distance), 0.0).sum(axis=0) / count
            pairs = _pair_sums(centred, count)
            floats[3] = absolute - pairs / count**2
            floats[4] = absolute - pairs / (several * (several - 1))


def _pair_sums(centred: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    position = np.arange(centred.shape[0])[:, None]
    weighted = (2.0 * position + 1.0 - count) * np.sort(centred, axis=0)
    sums: NDArray[np.float64] = np.where(position < count, weighted, 0.0).sum(axis=0)
    return sums


def _events(observed: NDArray[Any], thresholds: NDArray[Any], tally: NDArray[Any], briers: NDArray[Any]) -> None:
    members = tally[0].astype(np.float64)
    several = np.where(members > 1, members, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        for index, threshold in enumerate(thresholds):
            probability = tally[3 + index] / members
            plain = np.where(np.isnan(observed), np.nan, (probability - (observed > threshold)) ** 2)
            briers[index] = plain
            briers[len(thresholds) + index] = plain - probability * (1 - probability) / (several - 1)
