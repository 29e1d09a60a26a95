"""Whether values are there: of each time and channel, and of each member, lead time and channel of an ensemble."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.quality.fields import Fields
from data_catalog.quality.measure import Measure

_PLACES = ("latitude", "longitude")


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
    words = "a share of {value:.3f} of the points without a value that have one otherwise"
    return {
        "lost": Measure("completeness", np.where(none, 1.0, lost), words, limit=0.002),
    }


def missing_counts(ensemble: xr.Dataset) -> xr.Dataset:
    """Return the number of points without a finite value, of each member, lead time and channel, or of what there is.

    Args:
        ensemble: Fields with dims latitude and longitude besides any others; lazy or not.

    Returns:
        Integers with the other dims of each field.

    Raises:
        ValueError: There is no such field: a check that measures nothing has failed.
    """
    counted = {
        str(name): xr.apply_ufunc(np.isfinite, field, dask="allowed")
        .astype(int)
        .pipe(lambda one: (1 - one).sum(_PLACES))
        for name, field in ensemble.items()
        if set(_PLACES) <= set(field.dims)
    }
    if not counted or not all(one.size for one in counted.values()):
        raise ValueError("completeness: expected fields to count, found none: nothing was measured")
    return xr.Dataset(counted)
