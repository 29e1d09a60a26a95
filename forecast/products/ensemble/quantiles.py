"""Quantiles of members, and of a climate that is given as states or as quantiles."""

from collections.abc import Hashable

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError

ROUNDING = 1e-6


def quantile_along(field: xr.DataArray, level: float, along: Hashable) -> xr.DataArray:
    """Return a quantile, interpolated linearly between states or between the levels that are given.

    Args:
        field: States along `along`; or quantiles along `quantile`, with ascending levels as coordinate.
        level: Level from 0 to 1.
        along: Name of the dimension.

    Returns:
        Float64, dims of `field` less `along`; NaN where a value that it depends on is missing.

    Raises:
        InvalidDataError: The levels do not reach `level`.
    """
    field = field.astype(np.float64)
    if along != "quantile":
        whole = field.chunk({along: -1}) if field.chunks is not None else field
        return whole.quantile(level, [along], skipna=False).drop_vars("quantile")
    levels = field["quantile"].values
    if not levels[0] - ROUNDING <= level <= levels[-1] + ROUNDING:
        raise InvalidDataError(f"climate: expected levels that reach {level:g}, found {levels[0]:g} to {levels[-1]:g}")
    place = float(np.interp(level, levels, np.arange(levels.size)))
    lower = int(place)
    below = field.isel(quantile=lower, drop=True)
    above = field.isel(quantile=min(lower + 1, levels.size - 1), drop=True)
    return below + (above - below) * (place - lower)
