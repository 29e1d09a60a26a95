"""Fields against their own neighbourhood: spikes at points, stripes along rows and columns, blocks of one value."""

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.fields import Fields
from data_catalog.quality.measure import Measure

_CHECK = "spikes and stripes"
_FEWEST_IN_A_ROW = 4


def smoothness(
    rough: NDArray[np.float32], across: NDArray[np.float32], along: NDArray[np.float32], course: NDArray[np.float32]
) -> dict[str, Measure]:
    """Measure how far points, rows and columns lie from their neighbours.

    Args:
        rough: Difference from the mean of the neighbours over its own standard deviation, (time, latitude, longitude).
        across: The same from the meridional neighbours.
        along: The same from the zonal neighbours.
        course: `rough` less the mean of the times before and after, over its own standard deviation; NaN without.
    """
    words = "of {value:.1f} standard deviations (expected at most {limit:.1f})"
    return {
        "spike": Measure(
            _CHECK,
            np.abs(rough).max(axis=(1, 2)),
            f"a departure of a point from its neighbours {words}",
            least=4.0,
            reach=6.0,
        ),
        "sudden_spike": Measure(
            _CHECK,
            np.abs(course).max(axis=(1, 2)),
            f"a sudden departure of a point from its neighbours {words}",
            least=4.0,
            reach=6.0,
        ),
        "row": Measure(
            _CHECK, _lines(across, 2), f"a departure of a row from the rows beside it {words}", least=1.0, reach=3.6
        ),
        "column": Measure(
            _CHECK,
            _lines(along, 1),
            f"a departure of a column from the columns beside it {words}",
            least=1.0,
            reach=4.2,
        ),
    }


def _lines(field: NDArray[np.float32], axis: int) -> NDArray[np.floating]:
    """Largest absolute mean along an axis, of each time."""
    if field.shape[axis] < _FEWEST_IN_A_ROW:
        return np.full(len(field), np.nan)
    return np.asarray(np.abs(field.mean(axis=axis)).max(axis=1))


def flatness(name: str, fields: Fields) -> dict[str, Measure]:
    """Measure how much of each field has exactly the value of its neighbour to the east, and how much is missing.

    Args:
        name: Name of the channel.
        fields: Holds the values.
    """
    values = fields.values[name]
    if values.shape[2] < _FEWEST_IN_A_ROW:
        return {}
    counted = (values[..., 1:] != 0) & ~np.isnan(values[..., 1:])
    same = (values[..., 1:] == values[..., :-1]) & counted
    zeros = (values == 0).mean(axis=(1, 2))
    return {
        "flat": Measure(
            _CHECK,
            same.sum(axis=(1, 2)) / np.maximum(counted.sum(axis=(1, 2)), 1),
            "a share of {value:.2f} of the points exactly as the point beside them (expected at most {limit:.2f})",
            least=0.04,
            reach=4.0,
        ),
        "zeros": Measure(
            _CHECK,
            zeros,
            "a share of {value:.2f} of the points exactly 0 (expected at most {limit:.2f})",
            least=0.04,
            reach=4.0,
        ),
    }
