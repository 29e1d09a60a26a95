"""Fields that are there twice: frozen, partly frozen, or a copy of an earlier time."""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.times import minute
from data_catalog.quality.fields import Fields
from data_catalog.quality.measure import Measure

_CHECK = "frozen or repeated fields"
_DIGITS = 12


def repeats(name: str, changes: NDArray[np.float32], fields: Fields) -> dict[str, Measure]:
    """Measure how much of a field is that of the time before, and how little it changes.

    Args:
        name: Name of the channel.
        changes: From the time before, each over its own standard deviation, (time, latitude, longitude); NaN without.
        fields: Holds the values.
    """
    values = fields.values[name]
    weights = fields.weights.astype(np.float32)
    size = np.sqrt(np.tensordot(changes**2, weights, 2))
    equal = np.full(len(values), np.nan)
    equal[1:] = np.where(fields.follows[1:], _equal_shares(values), np.nan)
    return {
        "still": Measure(
            _CHECK,
            1 / np.maximum(size, 1e-6),
            "a change {value:.1f} times smaller than usual, limit {limit:.1f}",
            least=2.0,
            reach=2.9,
        ),
        "equal": Measure(
            _CHECK,
            equal,
            "{value:.0%} of the points exactly as at the time before, limit {limit:.0%}",
            least=0.08,
            reach=2.9,
        ),
    }


def _equal_shares(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of points with the value of the time before, of those with values other than 0."""
    same = values[1:] == values[:-1]
    counted = (values[1:] != 0) & ~np.isnan(values[1:])
    return np.asarray((same & counted).sum(axis=(1, 2)) / np.maximum(counted.sum(axis=(1, 2)), 1))


def fingerprints(values: NDArray[np.float32]) -> list[str]:
    """Return a short digest of each field; the same values have the same digest.

    Args:
        values: (time, latitude, longitude).
    """
    contents = (np.ascontiguousarray(one).tobytes() for one in values)
    return [hashlib.blake2b(content, digest_size=_DIGITS // 2).hexdigest() for content in contents]


def copies(found: list[str], times: NDArray[np.datetime64], known: Mapping[str, np.datetime64]) -> dict[str, Measure]:
    """Measure whether each field is a copy of one at another time.

    Args:
        found: Fingerprint of the field at each time.
        times: (time,).
        known: Time of each fingerprint of the channel that is known already; those of other times are copies.
    """
    origin = [known.get(one, time) for one, time in zip(found, times, strict=True)]
    is_copy = np.array([before != time for before, time in zip(origin, times, strict=True)], float)
    first = next((before for before, copy in zip(origin, is_copy, strict=True) if copy), None)
    words = "" if first is None else f", the first that of {minute(first)}"
    return {"copy": Measure(_CHECK, is_copy, f"the field of another time again{words}", limit=0.5)}
