"""Channels against each other: what the others say of a channel at the same time, and of it a step before and after.

Each channel is reduced to its leading patterns (EOFs); a ridge regression gives them from those of the other channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.measure import Measure

_CHECK = "channels against each other"
_PATTERNS = 8
_RIDGE = 0.03
_FOLDS = 5
_FEWEST = 40
_FEWEST_FOR_LAGS = 15
_LAG_GAIN, _LAG_GAIN_FITTED_HERE = 0.05, 0.27
_REACHES = {"relation": (5.2, 4.8), "context": (4.2, 3.7)}
"""Of all patterns of a channel together, and of the one that is farthest off."""


@dataclass(frozen=True)
class Patterns:
    """Leading patterns of a channel.

    Attributes:
        loadings: (point, pattern); anomalies times these have unit variance.
        fields: (pattern, point), the anomalies of one standard deviation.
        rest: Root mean square of what these leave of the anomalies.
    """

    loadings: NDArray[np.float64]
    fields: NDArray[np.float64]
    rest: float


@dataclass(frozen=True)
class Regression:
    """Coefficients of the patterns of a channel, (predictor, pattern), and the standard deviation of what is left."""

    coefficients: NDArray[np.float64]
    spread: NDArray[np.float64]


@dataclass(frozen=True)
class Relations:
    """What channels say of each other."""

    patterns: Mapping[str, Patterns]
    from_others: Mapping[str, Regression]
    from_all: Mapping[str, Regression]
    """From the other channels and from the channel itself a step before and after."""


def fit_relations(anomalies: Mapping[str, NDArray[np.float64]], follows: NDArray[np.bool_]) -> Relations | None:
    """Learn what channels say of each other.

    Args:
        anomalies: Standardised, times the root of the area, (time, point) by channel.
        follows: Whether each time is a step after the one before it.

    Returns:
        None for fewer than 40 times.
    """
    if len(follows) < _FEWEST:
        return None
    patterns = {name: _fit_patterns(one) for name, one in anomalies.items()}
    states = {name: one @ patterns[name].loadings for name, one in anomalies.items()}
    from_others = {name: _regression(_others(states, name), states[name]) for name in states if len(states) > 1}
    inner = between(follows)
    from_all = {}
    for name in states if inner.sum() >= _FEWEST else ():
        from_all[name] = _regression(_all(states, name)[inner], states[name][inner])
    return Relations(patterns, from_others, from_all)


def between(follows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each time has both neighbours a step away."""
    return np.asarray(follows & np.append(follows[1:], False))


def _fit_patterns(anomalies: NDArray[np.float64]) -> Patterns:
    clipped = np.clip(anomalies, *(np.array([-6, 6]) * np.sqrt(np.mean(anomalies**2, axis=0, keepdims=True)).max()))
    count = min(_PATTERNS, len(clipped) // 10, clipped.shape[1])
    _, sizes, rows = np.linalg.svd(clipped - clipped.mean(axis=0), full_matrices=False)
    spread = np.maximum(sizes[:count] / np.sqrt(len(clipped)), 1e-9)
    fields = spread[:, None] * rows[:count]
    loadings = (rows[:count] / spread[:, None]).T
    left = clipped - clipped @ loadings @ fields
    return Patterns(loadings, fields, max(float(np.sqrt(np.mean(left**2))), 1e-9))


def _others(states: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    return np.concatenate([one for other, one in states.items() if other != name], axis=1)


def _all(states: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    own = states[name]
    return np.concatenate(
        [*(one for other, one in states.items() if other != name), np.roll(own, 1, 0), np.roll(own, -1, 0)], axis=1
    )


def _solve(given: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    gram = given.T @ given + _RIDGE * len(given) * np.eye(given.shape[1])
    return np.asarray(np.linalg.solve(gram, given.T @ wanted), np.float64)


def cross_validated(given: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rest that a ridge regression leaves in times that it was not fitted to, (time, pattern).

    Args:
        given: (time, predictor), of about unit variance.
        wanted: (time, pattern).
    """
    rest = np.empty_like(wanted)
    for left_out in np.array_split(np.arange(len(given)), _FOLDS):
        kept = np.setdiff1d(np.arange(len(given)), left_out)
        rest[left_out] = wanted[left_out] - given[left_out] @ _solve(given[kept], wanted[kept])
    return rest


def _regression(given: NDArray[np.float64], wanted: NDArray[np.float64]) -> Regression:
    rest = cross_validated(given, wanted)
    most = 5 * np.median(np.abs(rest), axis=0)
    spread = np.sqrt(np.mean(np.minimum(np.abs(rest), most) ** 2, axis=0))
    return Regression(_solve(given, wanted), np.maximum(spread, 1e-6))


def relations(
    anomalies: Mapping[str, NDArray[np.float64]], follows: NDArray[np.bool_], known: Relations
) -> dict[str, dict[str, Measure]]:
    """Measure how far each channel lies from what the others, and its own course, say of it.

    Args:
        anomalies: Standardised, times the root of the area, (time, point) by channel.
        follows: Whether each time is a step after the one before it.
        known: What channels usually say of each other.

    Returns:
        Measures by channel.
    """
    states = {name: one @ known.patterns[name].loadings for name, one in anomalies.items()}
    found: dict[str, dict[str, Measure]] = {}
    for name, one in anomalies.items():
        patterns = known.patterns[name]
        left = one - states[name] @ patterns.fields
        rest = np.sqrt(np.mean(left**2, axis=1)) / patterns.rest
        words = "finer structure {value:.1f} times the usual size, limit {limit:.1f}"
        found[name] = {"finer": Measure(_CHECK, rest, words, least=1.2, reach=5.9)}
        if name in known.from_others:
            found[name] |= _rests(
                known.from_others[name], _others(states, name), states[name], "relation", "other channels"
            )
        if name in known.from_all:
            rests = _rests(
                known.from_all[name], _all(states, name), states[name], "context", "other channels and times"
            )
            found[name] |= {kind: _only(measure, between(follows)) for kind, measure in rests.items()}
    return found


def _only(measure: Measure, chosen: NDArray[np.bool_]) -> Measure:
    return Measure(
        measure.check, np.where(chosen, measure.values, np.nan), measure.reason, None, measure.least, measure.reach
    )


def _rests(
    known: Regression, given: NDArray[np.float64], wanted: NDArray[np.float64], kind: str, by: str
) -> dict[str, Measure]:
    rest = np.abs(wanted - given @ known.coefficients) / known.spread
    words = f"{{value:.1f}} sd from what {by} say, limit {{limit:.1f}}"
    return {
        kind: Measure(_CHECK, np.sqrt(np.mean(rest**2, axis=1)), words, least=1.5, reach=_REACHES[kind][0]),
        f"{kind}_top": Measure(_CHECK, rest.max(axis=1), words, least=3.0, reach=_REACHES[kind][1]),
    }


def lag_gains(
    anomalies: Mapping[str, NDArray[np.float64]], follows: NDArray[np.bool_], known: Relations, *, fitted_here: bool
) -> dict[str, Measure]:
    """Measure how much better the other channels agree with a channel a step before or after than at its own time.

    Args:
        anomalies: Standardised, times the root of the area, (time, point) by channel.
        follows: Whether each time is a step after the one before it.
        known: What channels usually say of each other.
        fitted_here: Whether `known` is of these very times, so that each lag has to be fitted anew.

    Returns:
        The gain in explained variance, the same for all times, of the channel that gains most; of others NaN.
    """
    inner = between(follows)
    if len(anomalies) < 2 or inner.sum() < (_FEWEST if fitted_here else _FEWEST_FOR_LAGS):
        return {}
    states = {name: one @ known.patterns[name].loadings for name, one in anomalies.items()}
    gains = {name: _gain(states, name, inner, None if fitted_here else known) for name in states}
    most = max(gains, key=lambda name: gains[name][0])
    limit = _LAG_GAIN_FITTED_HERE if fitted_here else _LAG_GAIN
    words = f"fits the other channels better a step {'earlier' if gains[most][1] > 0 else 'later'} , explained "
    words += "variance {value:.2f} higher, limit {limit:.2f}"
    return {
        name: Measure("dates", np.full(len(follows), gain[0] if name == most else 0.0), words, limit=limit)
        for name, gain in gains.items()
    }


def _gain(
    states: Mapping[str, NDArray[np.float64]], name: str, inner: NDArray[np.bool_], known: Relations | None
) -> tuple[float, int]:
    given, wanted = _others(states, name), states[name]
    weights = np.var(wanted[inner], axis=0)
    left = {}
    for lag in (-1, 0, 1):
        moved = np.roll(wanted, lag, 0)
        if known is None:
            rest = cross_validated(given[inner], moved[inner])
        else:
            rest = moved[inner] - given[inner] @ known.from_others[name].coefficients
        left[lag] = float(np.sum(np.mean(rest**2, axis=0)) / np.sum(weights))
    best = min((-1, 1), key=lambda lag: left[lag])
    return left[0] - left[best], best
