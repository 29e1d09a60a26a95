"""Values against the climatology of their place and season: single points, the mean of the area, the whole field."""

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.fields import Fields
from data_catalog.quality.measure import Measure


def extremes(anomalies: NDArray[np.float32], fields: Fields) -> dict[str, Measure]:
    """Measure how far each field lies from its climatology.

    Args:
        anomalies: Standardised, (time, latitude, longitude).
        fields: The fields that they are of; only the grid is read.
    """
    weights = fields.weights.astype(np.float32)
    mean = np.tensordot(anomalies, weights, 2)
    size = np.sqrt(np.tensordot(anomalies**2, weights, 2))
    return {
        "point": Measure(
            "climatological bounds",
            np.abs(anomalies).max(axis=(1, 2)),
            "a point {value:.1f} sd from its climatology, limit {limit:.1f}",
            least=4.0,
            reach=5.1,
        ),
        "mean": Measure(
            "climatological bounds",
            np.abs(mean),
            "the area's mean {value:.2f} sd from its climatology, limit {limit:.2f}",
            least=0.1,
            reach=2.5,
        ),
        "size": Measure(
            "climatological bounds",
            size,
            "anomalies {value:.1f} times the usual size, limit {limit:.1f}",
            least=1.2,
            reach=6.2,
        ),
        "quiet": Measure(
            "climatological bounds",
            1 / np.maximum(size, 1e-6),
            "anomalies {value:.1f} times smaller than usual, limit {limit:.1f}",
            least=1.5,
            reach=3.0,
        ),
    }
