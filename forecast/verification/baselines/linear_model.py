"""Linear model: regression between states in the space of leading EOFs, with Gaussian noise; a matrix a lead step.

A strict linear inverse model iterates the matrix of one step, and so assumes that nothing but the state carries memory.
Where something does, its later steps keep too much signal and too little spread. A matrix for each lead step has the
right variance at each. Members are drawn at each lead step by itself: they are not trajectories.

What lies outside the kept EOFs is not predicted: it is white noise with the variance that it has at each point, so that
the spread of the members is that of the whole field.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.statistics.eofs import fit_eofs
from forecast.verification.checks import UnscorableError

PAIRS_PER_EOF = 10
"""Smallest number of pairs of states for each EOF that is kept."""
FOLDS = 4
"""Parts of the record, each of which is predicted from the others."""
PATTERN_LEVELS = 511
"""Patterns are stored as whole multiples of their largest value over this: half the size, rounding errors of 0.2 %."""
BATCH = 16
"""Members are multiplied in batches of one size, since matrix products of other sizes round differently."""
Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class LinearModel:
    """A linear model of standardised anomalies, fitted.

    Attributes:
        patterns: Leading EOFs of anomalies times `root_weights`: (count, space).
        root_weights: Square roots of the weights of the points: (space,).
        propagate: Matrices that take amplitudes to those expected 1, 2, ... steps later: (lead, count, count).
        noise: Lower triangles: (lead + 1, count, count). Their product with unit noise has the covariance of the errors
            at those steps; that of the last has the covariance of the amplitudes themselves.
        residual: Standard deviation of what the EOFs leave: (space,).
    """

    patterns: NDArray[np.float64]
    root_weights: NDArray[np.float64]
    propagate: NDArray[np.float32]
    noise: NDArray[np.float32]
    residual: NDArray[np.float64]

    def members(
        self, state: NDArray[np.float64], generators: Sequence[np.random.Generator], lead_step: int
    ) -> NDArray[np.float32]:
        """Draw members at one lead step, each from its own generator only.

        Args:
            state: Standardised anomaly at the start: (space,).
            generators: A generator of random numbers for each member.
            lead_step: Number of steps, 1 or more; beyond those that were fitted, members do not depend on the start.

        Returns:
            Standardised anomalies: (member, space).
        """
        count, space = self.patterns.shape
        drawn = _drawn(generators, count + space)
        start = self.amplitudes(state)
        fitted = lead_step <= len(self.propagate)
        mean = self.propagate[lead_step - 1] @ start if fitted else np.zeros(count)
        triangle = self.noise[lead_step - 1 if fitted else -1]
        synthesise = (self.patterns / self.root_weights).astype(np.float32)
        members = drawn[:, count:] * self.residual.astype(np.float32)
        for start_row in range(0, len(drawn), BATCH):
            batch = slice(start_row, start_row + BATCH)
            members[batch] += (mean + drawn[batch, :count] @ triangle.T).astype(np.float32) @ synthesise
        return members[: len(generators)]

    def amplitudes(self, states: Matrix) -> Matrix:
        """Return the amplitudes of the EOFs: (..., eof).

        Args:
            states: Standardised anomalies: (..., space).
        """
        return (states * self.root_weights.astype(states.dtype)) @ self.patterns.T.astype(states.dtype)

    def fields(self, amplitudes: Matrix, generators: Sequence[np.random.Generator]) -> NDArray[np.float32]:
        """Return states that have some amplitudes, and noise in place of what the EOFs leave: (state, space).

        Args:
            amplitudes: Amplitudes of the EOFs: (state, eof).
            generators: A generator of random numbers for each state.
        """
        synthesise = (self.patterns / self.root_weights).astype(np.float32)
        states = _drawn(generators, synthesise.shape[1]) * self.residual.astype(np.float32)
        padded = np.zeros((len(states), amplitudes.shape[1]), np.float32)
        padded[: len(amplitudes)] = amplitudes
        for first in range(0, len(states), BATCH):
            states[first : first + BATCH] += padded[first : first + BATCH] @ synthesise
        return states[: len(generators)]

    def to_dataset(self) -> xr.Dataset:
        """Return the model as variables to store, patterns as whole numbers."""
        step = np.abs(self.patterns).max(axis=1) / PATTERN_LEVELS
        return xr.Dataset(
            {
                "pattern_levels": (("eof", "space"), np.rint(self.patterns / step[:, None]).astype(np.int16)),
                "pattern_step": ("eof", step),
                "root_weights": ("space", self.root_weights),
                "propagate": (("lead_step", "eof", "eof_before"), self.propagate),
                "noise": (("noise_step", "eof", "eof_before"), self.noise),
                "residual": ("space", self.residual),
            }
        )

    @classmethod
    def from_dataset(cls, stored: xr.Dataset) -> Self:
        """Restore a model from stored variables.

        Args:
            stored: Dataset with the variables of `to_dataset`, and perhaps others.
        """
        return cls(
            patterns=stored["pattern_levels"].values * stored["pattern_step"].values[:, None],
            root_weights=stored["root_weights"].values,
            propagate=stored["propagate"].values,
            noise=stored["noise"].values,
            residual=stored["residual"].values,
        )


def _drawn(generators: Sequence[np.random.Generator], width: int) -> NDArray[np.float32]:
    """Unit noise, a row a member, in whole batches of rows."""
    drawn = np.zeros((-(-len(generators) // BATCH) * BATCH, width), np.float32)
    for row, generator in zip(drawn, generators, strict=False):
        generator.standard_normal(dtype=np.float32, out=row)
    return drawn


def fit_linear_model(
    anomalies: Matrix, times: NDArray[np.int64], weights: NDArray[np.float64], count: int, *, lead_steps: int
) -> LinearModel:
    """Regress states on earlier ones in the space of the leading EOFs.

    Args:
        anomalies: Standardised anomalies without missing values: (time, space).
        times: Times in steps, whole numbers, increasing: (time,).
        weights: Positive weights of the points, such as areas of cells: (space,).
        count: Number of EOFs to keep; fewer are kept where there are not ten times as many pairs of states.
        lead_steps: Number of steps ahead to fit; fewer are fitted where the times leave too few pairs.

    Raises:
        UnscorableError: Too few pairs of states.

    Source: Penland and Sardeshmukh (1995), doi:10.1175/1520-0442(1995)008<1999:TOGOTS>2.0.CO;2
    """
    pairs = [np.intersect1d(times, times - lead, return_indices=True)[1:] for lead in range(1, lead_steps + 1)]
    count = min(count, anomalies.shape[1], len(pairs[0][0]) // PAIRS_PER_EOF)
    if count < 1:
        found = len(pairs[0][0])
        raise UnscorableError(f"linear baseline: expected at least {PAIRS_PER_EOF} pairs of states, found {found}")
    eofs = fit_eofs(anomalies, weights, count)
    step = np.abs(eofs.patterns).max(axis=1, keepdims=True) / PATTERN_LEVELS
    patterns, roots = np.rint(eofs.patterns / step) * step, eofs.root_weights
    amplitudes = (anomalies @ (patterns * roots).T.astype(anomalies.dtype)).astype(np.float64)
    fits = [_regress(amplitudes[first], amplitudes[later]) for first, later in pairs if len(first) >= 2 * FOLDS * count]
    climate = np.linalg.cholesky(amplitudes.T @ amplitudes / len(amplitudes))
    return LinearModel(
        patterns=patterns,
        root_weights=roots,
        propagate=np.array([matrix for matrix, _ in fits], np.float32).reshape(-1, count, count),
        noise=np.array([*(triangle for _, triangle in fits), climate], np.float32),
        residual=_residual(anomalies, patterns, roots) * _optimism(anomalies, weights, count),
    )


def _regress(before: Matrix, after: Matrix) -> tuple[Matrix, Matrix]:
    """Matrix and noise of one lead step.

    Each quarter of the pairs is predicted with the matrix of the other three. Regressing what came on these predictions
    gives the factors that shrink the rows of the matrix, and errors with the variance of those on other data.
    """
    gram, cross = before.T @ before, before.T @ after
    predicted = np.empty_like(after)
    for fold in np.array_split(np.arange(len(before)), FOLDS):
        inner, outer = before[fold].T @ before[fold], before[fold].T @ after[fold]
        predicted[fold] = before[fold] @ np.linalg.solve(gram - inner, cross - outer)
    slope = np.einsum("te,te->e", predicted, after) / np.einsum("te,te->e", predicted, predicted)
    slope = np.clip(slope, 0.0, 1.0)
    errors = after - predicted * slope
    return np.linalg.solve(gram, cross).T * slope[:, None], np.linalg.cholesky(errors.T @ errors / len(errors))


def _optimism(anomalies: Matrix, weights: NDArray[np.float64], count: int) -> float:
    """Ratio of the standard deviation that the patterns leave of other data to that of the data they were fitted to.

    It is measured on the last quarter of the times, with patterns of the first three. The excess falls with the length
    of the record, so three quarters of it are expected with patterns of the whole record.
    """
    split = len(anomalies) * (FOLDS - 1) // FOLDS
    eofs = fit_eofs(anomalies[:split], weights, min(count, split))
    fitted, held_out = (
        float(weights @ _residual(part, eofs.patterns, eofs.root_weights) ** 2)
        for part in (anomalies[:split], anomalies[split:])
    )
    excess = max(held_out / fitted - 1.0, 0.0) if fitted > 0 else 0.0
    return float(np.sqrt(1.0 + excess * (FOLDS - 1) / FOLDS))


def _residual(anomalies: Matrix, patterns: Matrix, roots: Matrix) -> NDArray[np.float64]:
    """Standard deviation of what the patterns leave at each point, piece by piece to bound memory."""
    analyse, synthesise = (matrix.astype(anomalies.dtype) for matrix in (patterns * roots, patterns / roots))
    squares = np.zeros(anomalies.shape[1])
    for piece in np.array_split(np.arange(len(anomalies)), max(len(anomalies) // 256, 1)):
        outside = anomalies[piece] - anomalies[piece] @ analyse.T @ synthesise
        squares += np.einsum("ts,ts->s", outside, outside, dtype=np.float64)
    return np.sqrt(squares / len(anomalies))
