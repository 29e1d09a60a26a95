"""Fields against the times before and after: jumps, and days that do not fit where they stand."""

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.fields import Fields
from data_catalog.quality.measure import Measure

_CHECK = "jumps in time"


def jumps(changes: NDArray[np.float32], courses: NDArray[np.float32], fields: Fields) -> dict[str, Measure]:
    """Measure how abruptly a field departs from its neighbours in time.

    Args:
        changes: From the time before, each over its own standard deviation, (time, latitude, longitude); NaN without.
        courses: The same from the mean of the times before and after.
        fields: The fields that they are of; only the grid is read.
    """
    weights = fields.weights.astype(np.float32)
    size, mean, most = (smaller_side(one) for one in _sizes(changes, weights))
    course_size, course_mean, course_most = _sizes(courses, weights)
    return {
        "step": Measure(_CHECK, size,
            "{value:.1f} times the usual change in time, limit {limit:.1f}", least=1.3, reach=4.8),
        "step_mean": Measure(_CHECK, mean,
            "the area's mean changes by {value:.2f} sd of a change, limit {limit:.2f}", least=0.1, reach=2.3),
        "step_point": Measure(_CHECK, most,
            "a point changes by {value:.1f} sd of a change, limit {limit:.1f}", least=4.0, reach=5.6),
        "course": Measure(_CHECK, course_size,
            "{value:.1f} times as far from the times beside it as usual, limit {limit:.1f}", least=1.3, reach=3.5),
        "course_mean": Measure(_CHECK, course_mean,
            "the area's mean {value:.2f} sd from the times beside it, limit {limit:.2f}", least=0.1, reach=2.7),
        "course_point": Measure(_CHECK, course_most,
            "a point {value:.1f} sd from the times beside it, limit {limit:.1f}", least=4.0, reach=4.8),
    }  # fmt: skip


def smaller_side(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return of each time the smaller of the measures before and after it; the only one where there is one.

    Args:
        values: (time,) of the change from the time before; NaN where there is none.
    """
    after = np.append(values[1:], np.nan)
    return np.asarray(np.fmin(values, after))


def _sizes(field: NDArray[np.float32], weights: NDArray[np.float32]) -> tuple[NDArray[np.floating], ...]:
    """Root mean square, absolute mean and largest absolute value of each field."""
    mean = np.abs(np.tensordot(field, weights, 2))
    return np.sqrt(np.tensordot(field**2, weights, 2)), mean, np.abs(field).max(axis=(1, 2))
