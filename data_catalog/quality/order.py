"""Whether days stand where they belong: of exchanged or shuffled ones, another order is the likelier course of weather.

The state of all channels together, as leading patterns, is taken for a Markov process: a ridge regression gives it from
the state before, another from those before and after. Weather has a direction, as lows move east and grow before they
decay, so that two days in the wrong order are told from the same two in the right one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.measure import Measure

_CHECK = "dates"
_PATTERNS = 20
_TIMES_PER_PATTERN = 15
_FEWEST = 90
_RIDGE = 0.03
_CLIPPED_AT = 6.0
_ROOM_FOR_CHANCE = 6.0
"""Of a limit above 1, times the number of patterns: the fewer there are, the more chance counts."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """A regression of states on others.

    Attributes:
        coefficients: (predictor, pattern).
        whitening: (pattern, pattern), what is left times this has unit variance in every direction.
    """

    coefficients: Array
    whitening: Array

    def expected(self, given: Array) -> Array:
        """Whitened states to expect, (time, pattern), of predictors, (time, predictor)."""
        return np.asarray(given @ self.coefficients @ self.whitening)

    def misfits(self, given: Array, states: Array) -> Array:
        """Squared distance of each state from the expected one, (time,)."""
        return np.asarray(((states @ self.whitening - self.expected(given)) ** 2).sum(axis=1))


@dataclass(frozen=True)
class Course:
    """The usual course of weather.

    Attributes:
        loadings: (point of every channel, pattern); anomalies times these have unit variance.
        forward: A state from the one before.
        middle: A state from those before and after.
    """

    loadings: Array
    forward: Step
    middle: Step


def fit_course(anomalies: Mapping[str, Array], follows: NDArray[np.bool_]) -> Course | None:
    """Learn the usual course of weather.

    Args:
        anomalies: Standardised, times the root of the area, (time, point) by channel.
        follows: Whether each time is a step after the one before it.

    Returns:
        None for fewer than 90 times with a time before and after.
    """
    inner = np.flatnonzero(follows & np.append(follows[1:], False))
    if len(inner) < _FEWEST:
        return None
    together = _together(anomalies)
    loadings = _loadings(np.clip(together, -_CLIPPED_AT, _CLIPPED_AT))
    states = together @ loadings
    later = np.flatnonzero(follows)
    forward = _fit_step(states[later - 1], states[later])
    return Course(loadings, forward, _fit_step(_around(states, inner), states[inner]))


def _together(anomalies: Mapping[str, Array]) -> Array:
    return np.concatenate(list(anomalies.values()), axis=1)


def _loadings(anomalies: Array) -> Array:
    """Of the leading patterns, by the eigenvectors of the covariance of times, which are fewer than points."""
    count = min(_PATTERNS, len(anomalies) // _TIMES_PER_PATTERN, anomalies.shape[1])
    variances, vectors = np.linalg.eigh(anomalies @ anomalies.T / len(anomalies))
    leading = slice(-1, -count - 1, -1)
    return np.asarray(anomalies.T @ vectors[:, leading] / np.maximum(variances[leading], 1e-9) / len(anomalies) ** 0.5)


def _around(states: Array, inner: NDArray[np.intp]) -> Array:
    return np.concatenate([states[inner - 1], states[inner + 1]], axis=1)


def _fit_step(given: Array, wanted: Array) -> Step:
    gram = given.T @ given + _RIDGE * len(given) * np.eye(given.shape[1])
    coefficients = np.asarray(np.linalg.solve(gram, given.T @ wanted), np.float64)
    left = wanted - given @ coefficients
    covariance = left.T @ left / len(left)
    covariance += _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return Step(coefficients, np.linalg.inv(np.linalg.cholesky(covariance)).T)


def order(anomalies: Mapping[str, Array], follows: NDArray[np.bool_], course: Course) -> dict[str, Measure]:
    """Measure how much likelier the course of weather would be with two times exchanged.

    Args:
        anomalies: Standardised, times the root of the area, (time, point) by channel.
        follows: Whether each time is a step after the one before it.
        course: The usual course.

    Returns:
        `swapped`: the misfit of a time and the next to the times around them, over that with both exchanged; the larger
        with the one after and the one before. `elsewhere`: the same with the time, two or more steps away, with which
        the exchange helps most. The misfit of what is exchanged counts as at least the usual one, of a unit a pattern.
    """
    states = _together(anomalies) @ course.loadings
    limit = 1 + _ROOM_FOR_CHANCE / states.shape[1]
    return {
        "swapped": Measure(
            _CHECK,
            _swap_gain(states, follows, course.forward),
            "the time beside it fits here better: {value:.2f} times the misfit, limit {limit:.2f}",
            limit=limit,
        ),
        "elsewhere": Measure(
            _CHECK,
            _misplacement(states, follows, course.middle),
            "another time fits here better: {value:.2f} times the misfit, limit {limit:.2f}",
            limit=limit,
        ),
    }


def _swap_gain(states: Array, follows: NDArray[np.bool_], step: Step) -> Array:
    count = len(states)
    gain = np.full(count, np.nan)
    if count < 4:
        return gain
    first, one, two, last = (states[number : count - 3 + number] for number in range(4))
    as_is = step.misfits(first, one) + step.misfits(one, two) + step.misfits(two, last)
    exchanged = step.misfits(first, two) + step.misfits(two, one) + step.misfits(one, last)
    regular = follows[1:-2] & follows[2:-1] & follows[3:]
    pair = np.where(regular, as_is / np.maximum(exchanged, 3 * states.shape[1]), np.nan)
    gain[1:-2] = pair
    gain[2:-1] = np.fmax(gain[2:-1], pair)
    return gain


def _misplacement(states: Array, follows: NDArray[np.bool_], step: Step) -> Array:
    inner = np.flatnonzero(follows & np.append(follows[1:], False))
    gain = np.full(len(states), np.nan)
    if len(inner) < 8:
        return gain
    here, expected = states[inner] @ step.whitening, step.expected(_around(states, inner))
    misfits = (here**2).sum(1)[:, None] + (expected**2).sum(1) - 2 * here @ expected.T
    own = np.diag(misfits)
    ratios = (own[:, None] + own) / np.maximum(misfits + misfits.T, 2 * states.shape[1])
    ratios[np.abs(inner[:, None] - inner) <= 1] = 0.0
    gain[inner] = ratios.max(axis=1)
    return gain


def season_shift(sizes: Mapping[int, float], times: int) -> dict[str, Measure]:
    """Measure whether the fields fit the climatology of other days or hours of the day better than their own.

    Args:
        sizes: Mean square of anomalies from the climatology so many hours later, or earlier if negative, by hours.
        times: Number of times.
    """
    best = min(sizes, key=lambda hours: sizes[hours])
    ratio = sizes[0] / max(sizes[best], 1e-9)
    away = f"{abs(best) // 24} days" if best % 24 == 0 else f"{abs(best)} h"
    words = f"fits the climatology {away} {'later' if best > 0 else 'earlier'} better: anomalies "
    words += "{value:.2f} times as large as then, limit {limit:.2f}"
    return {"season shift": Measure(_CHECK, np.full(times, ratio), words, limit=1.1)}
