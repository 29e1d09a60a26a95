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
    usual = "(usually 1, expected at most {limit:.1f})"
    return {
        "step": Measure(_CHECK, size,
            f"a change from the nearest time {{value:.1f}} times the usual one {usual}", least=1.3, reach=5.0),
        "step_mean": Measure(_CHECK, mean, "a change of the area's mean far from the usual one ({value:.2f} standard "
            "deviations of a change, expected at most {limit:.2f})", least=0.1, reach=3.3),
        "step_point": Measure(_CHECK, most, "a change at a point of {value:.1f} standard deviations of a change "
            "(expected at most {limit:.1f})", least=4.0, reach=5.0),
        "course": Measure(_CHECK, course_size, f"a departure from the times before and after {{value:.1f}} times the "
            f"usual one {usual}", least=1.3, reach=5.6),
        "course_mean": Measure(_CHECK, course_mean, "a departure of the area's mean from the times before and after of "
            "{value:.2f} standard deviations (expected at most {limit:.2f})", least=0.1, reach=3.5),
        "course_point": Measure(_CHECK, course_most, "a departure at a point from the times before and after of "
            "{value:.1f} standard deviations (expected at most {limit:.1f})", least=4.0, reach=5.6),
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
