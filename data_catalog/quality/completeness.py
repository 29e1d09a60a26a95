"""Whether values are there, of each time and channel."""

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.fields import Fields
from data_catalog.quality.measure import Measure


def completeness(name: str, fields: Fields, missing: NDArray[np.bool_]) -> dict[str, Measure]:
    """Measure the share of points of each field that are missing, infinite, or present where there should be none.

    Args:
        name: Name of the channel.
        fields: Holds the values.
        missing: Where values of the channel may be missing, (latitude, longitude).
    """
    values = fields.values[name]
    finite = np.isfinite(values)
    lost = (~finite & ~missing).mean(axis=(1, 2))
    none = ~finite.any(axis=(1, 2))
    words = "{value:.1%} of the points without a value, limit {limit:.1%}"
    return {
        "lost": Measure("completeness", np.where(none, 1.0, lost), words, limit=0.002),
    }
