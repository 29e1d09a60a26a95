"""Empirical orthogonal functions: the patterns that explain most of the variance of a field."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_EXACT_UP_TO = 1500
_EXTRA_PATTERNS = 20
_POWER_ITERATIONS = 6


@dataclass(frozen=True)
class EOFs:
    """Patterns of weighted anomalies, in order of decreasing variance.

    Attributes:
        patterns: Orthonormal patterns of anomalies times `root_weights`, (pattern, space).
        variances: Variance of each pattern's amplitude, (pattern,).
        total_variance: Total variance of the weighted anomalies.
        root_weights: Square roots of the weights, (space,).
    """

    patterns: NDArray[np.float64]
    variances: NDArray[np.float64]
    total_variance: float
    root_weights: NDArray[np.float64]

    def scores(self, anomalies: ArrayLike) -> NDArray[np.float64]:
        """Project anomalies onto the patterns; return the amplitudes, (..., pattern).

        Args:
            anomalies: Anomalies, (..., space).
        """
        scores: NDArray[np.float64] = (np.asarray(anomalies) * self.root_weights) @ self.patterns.T
        return scores

    def anomalies(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the anomalies that have given amplitudes, (..., space); zero where the weight is zero.

        Args:
            scores: Amplitudes of the patterns, (..., pattern).
        """
        roots = np.where(self.root_weights > 0, self.root_weights, np.inf)
        fields: NDArray[np.float64] = (np.asarray(scores) @ self.patterns) / roots
        return fields


def fit_eofs(anomalies: ArrayLike, weights: ArrayLike, count: int, *, seed: int = 0) -> EOFs:
    """Compute the leading empirical orthogonal functions of anomalies.

    Small problems are solved exactly, large ones by subspace iteration, which is many times cheaper and exact to
    rounding for patterns whose variance is well separated from the rest.

    Args:
        anomalies: Anomalies with a mean near zero, (time, space); not modified.
        weights: Weights such as cell areas, (space,); 0 leaves a point out.
        count: Number of patterns.
        seed: Seed of the random start of the iteration; the signs of patterns do not depend on it.

    Raises:
        ValueError: `count` is less than 1 or exceeds the number of times or points, or values are missing.

    Source: Lorenz (1956), Statistical Forecasting Program Report 1; Halko, Martinsson and Tropp (2011),
    doi:10.1137/090771806, for the iteration.
    """
    roots = np.sqrt(np.asarray(weights, np.float64))
    fields = np.asarray(anomalies)
    most = min(fields.shape)
    if not 1 <= count <= most:
        raise ValueError(f"count: expected 1..{most} patterns for anomalies of shape {fields.shape}, found {count}")
    weighted = fields * roots.astype(fields.dtype)
    total = float(np.einsum("ts,ts->", weighted, weighted, dtype=np.float64)) / len(fields)
    if not np.isfinite(total):
        raise ValueError("anomalies: expected finite values, found NaN or infinity")
    width = count + _EXTRA_PATTERNS
    exact = most <= _EXACT_UP_TO or 2 * width > most
    patterns, variances = _exact(weighted, count) if exact else _iterated(weighted, count, width, seed)
    return EOFs(_signed(patterns), variances, total, roots)


def _exact(weighted: NDArray[np.floating], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute singular vectors from the smaller of the two covariance matrices."""
    times, points = weighted.shape
    matrix = np.asarray(weighted, np.float64)
    covariance = (matrix @ matrix.T if times < points else matrix.T @ matrix) / times
    values, vectors = np.linalg.eigh(covariance)
    variances = np.maximum(values[::-1][:count], 0.0)
    leading = vectors[:, ::-1][:, :count]
    patterns = leading.T @ matrix if times < points else leading.T
    return _orthonormal(patterns), variances


def _iterated(
    weighted: NDArray[np.floating], count: int, width: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute patterns by subspace iteration: multiplication turns a random subspace towards the leading patterns."""
    basis = np.random.default_rng(seed).standard_normal((width, weighted.shape[1])).astype(weighted.dtype)
    for _ in range(_POWER_ITERATIONS):
        basis = _orthonormal((basis @ weighted.T) @ weighted).astype(weighted.dtype)
    scores = np.asarray(weighted @ basis.T, np.float64)
    values, rotation = np.linalg.eigh(scores.T @ scores / len(weighted))
    leading = rotation[:, ::-1][:, :count].T
    return _orthonormal(leading @ np.asarray(basis, np.float64)), values[::-1][:count]


def _orthonormal(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Orthonormalise rows so that the first n rows keep their span, for each n."""
    columns, triangle = np.linalg.qr(np.asarray(rows, np.float64).T)
    signs = np.where(np.diag(triangle) < 0, -1.0, 1.0)
    return np.ascontiguousarray((columns * signs).T)


def _signed(patterns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make the largest value of each pattern positive, so that a refit on another machine gives the same signs."""
    largest = np.take_along_axis(patterns, np.abs(patterns).argmax(axis=1)[:, np.newaxis], axis=1)
    return patterns * np.where(largest < 0, -1.0, 1.0)
