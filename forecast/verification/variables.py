"""Steps of a score on variables: arrays with named dimensions, and without coordinates to look after."""

from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr


def where(values: xr.Variable, condition: xr.Variable, other: xr.Variable | float = np.nan) -> xr.Variable:
    """Values where a condition holds, and something else elsewhere.

    Args:
        values: On any dimensions.
        condition: Booleans on any dimensions.
        other: What stands where it does not hold; NaN when omitted.
    """
    chosen: xr.Variable = values.where(condition, other)  # type: ignore[no-untyped-call]
    return chosen


def filled(values: xr.Variable) -> xr.Variable:
    """Values with 0 where they are missing.

    Args:
        values: Floats on any dimensions.
    """
    whole: xr.Variable = values.fillna(0.0)  # type: ignore[no-untyped-call]
    return whole


def ratio(above: xr.Variable, below: xr.Variable) -> xr.Variable:
    """Quotient where the divisor is positive, NaN elsewhere.

    Args:
        above: Dividend.
        below: Divisor.
    """
    quotient: xr.Variable = above / where(below, below > 0)
    return quotient


def expanded(values: xr.Variable, sizes: Mapping[Hashable, int]) -> xr.Variable:
    """Values repeated along the dimensions that they lack, in the order of `sizes`.

    Args:
        values: On some of the dimensions.
        sizes: All dimensions with their sizes.
    """
    whole: xr.Variable = values.set_dims(dict(sizes)).transpose(*sizes)  # type: ignore[no-untyped-call]
    return whole


def renamed(values: xr.Variable, dim: str, new: str) -> xr.Variable:
    """Values with another name for one of their dimensions.

    Args:
        values: On any dimensions.
        dim: Name of the dimension.
        new: Its new name.
    """
    return xr.Variable([new if each == dim else each for each in values.dims], values.data)
