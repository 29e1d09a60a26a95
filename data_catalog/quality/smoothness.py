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
    return {
        "spike": Measure(
            _CHECK,
            np.abs(rough).max(axis=(1, 2)),
            "a point {value:.1f} sd from its neighbours, limit {limit:.1f}",
            least=4.0,
            reach=6.2,
        ),
        "sudden_spike": Measure(
            _CHECK,
            np.abs(course).max(axis=(1, 2)),
            "a point suddenly {value:.1f} sd from its neighbours, limit {limit:.1f}",
            least=4.0,
            reach=4.8,
        ),
        "row": Measure(
            _CHECK,
            _lines(across, 2),
            "a row {value:.1f} sd from the rows beside it, limit {limit:.1f}",
            least=1.0,
            reach=3.5,
        ),
        "column": Measure(
            _CHECK,
            _lines(along, 1),
            "a column {value:.1f} sd from the columns beside it, limit {limit:.1f}",
            least=1.0,
            reach=3.9,
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
            "{value:.0%} of the points exactly as the point beside them, limit {limit:.0%}",
            least=0.04,
            reach=3.1,
        ),
        "zeros": Measure(
            _CHECK,
            zeros,
            "{value:.0%} of the points exactly 0, limit {limit:.0%}",
            least=0.04,
            reach=2.3,
        ),
    }
