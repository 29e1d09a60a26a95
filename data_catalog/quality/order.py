"""Whether days stand where they belong: swapped, shuffled or misdated ones fit better elsewhere.

States are those of all channels together, as leading patterns, so that the measures weigh what is independent.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.measure import Measure

_CHECK = "dates"


def order(states: NDArray[np.float64], follows: NDArray[np.bool_]) -> dict[str, Measure]:
    """Measure how much better each time would fit elsewhere.

    Args:
        states: (time, pattern), each of about unit variance.
        follows: Whether each time is a step after the one before it.

    Returns:
        `swapped`: the way from state to state over the way with a time and the next exchanged, the larger with the one
        after and the one before; `elsewhere`: the distance from the middle of the times around, over the smallest
        distance from the middle around any other time.
    """
    return {
        "swapped": Measure(
            _CHECK,
            _swap_gain(states, follows),
            "fits better exchanged with the time beside it: the way there is {value:.2f} times as long as it would be "
            "(expected at most {limit:.2f})",
            least=1.02,
        ),
        "elsewhere": Measure(
            _CHECK,
            _misplacement(states, follows),
            "fits better at another time: {value:.2f} times as far from the times around it as from those around "
            "another (expected at most {limit:.2f})",
            least=1.05,
        ),
    }


def _swap_gain(states: NDArray[np.float64], follows: NDArray[np.bool_]) -> NDArray[np.float64]:
    count = len(states)
    gain = np.full(count, np.nan)
    if count < 4:
        return gain
    one, two = (np.linalg.norm(states[step:] - states[:-step], axis=1) for step in (1, 2))
    as_is, exchanged = one[:-2] + one[2:], two[:-1] + two[1:]
    regular = follows[1:-2] & follows[2:-1] & follows[3:]
    pair = np.where(regular, as_is / np.maximum(exchanged, 1e-9), np.nan)
    gain[1:-2] = pair
    gain[2:-1] = np.fmax(gain[2:-1], pair)
    return gain


def _misplacement(states: NDArray[np.float64], follows: NDArray[np.bool_]) -> NDArray[np.float64]:
    inner = np.flatnonzero(follows & np.append(follows[1:], False))
    gain = np.full(len(states), np.nan)
    if len(inner) < 8:
        return gain
    middles = (states[inner - 1] + states[inner + 1]) / 2
    squares = (states[inner] ** 2).sum(1)[:, None] + (middles**2).sum(1) - 2 * states[inner] @ middles.T
    distances = np.sqrt(np.maximum(squares, 0))
    near = np.abs(inner[:, None] - inner) <= 1
    own = np.diag(distances)
    gain[inner] = own / np.maximum(np.where(near, np.inf, distances).min(axis=1), 1e-9)
    return gain


def season_shift(sizes: Mapping[int, float], times: int) -> dict[str, Measure]:
    """Measure whether the fields fit the seasons of other days better than their own.

    Args:
        sizes: Mean square of anomalies from the climatology of each day, and of so many days later or earlier, by days.
        times: Number of times.
    """
    best = min(sizes, key=lambda days: sizes[days])
    ratio = sizes[0] / max(sizes[best], 1e-9)
    words = f"fits the season of {abs(best)} days {'later' if best > 0 else 'earlier'} better"
    words += " (anomalies {value:.2f} times as large as then, expected at most {limit:.2f})"
    return {"season shift": Measure(_CHECK, np.full(times, ratio), words, limit=1.1)}
