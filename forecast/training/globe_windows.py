"""Windows of a global dataset for the pretraining of a region, shifted in longitude and reflected at the equator."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from data_catalog.layout.variables import channel
from forecast.sphere.grid import Grid
from forecast.states.mirror import mirror_signs
from forecast.system.training import Pretraining

HALF_YEAR = np.timedelta64(183, "D")


def windows_of(globe: xr.Dataset, grid: Grid, options: Pretraining) -> Iterator[xr.Dataset]:
    """Yield windows of global analyses, interpolated linearly to a region's grid as if they came from the region.

    In a reflected window, northward winds change sign and dates move by half a year, so that seasons agree.

    Args:
        globe: Global analyses, which must extend further polewards than the region's grid.
        grid: Grid of the region.
        options: The pretraining section: spacing of the windows, and whether to reflect them too.

    Yields:
        The same channels on the region's grid, one dataset for each window.
    """
    around = _wrapped(globe)
    first = float(globe["longitude"].values[0])
    for sign in (1, -1) if options.mirrored else (1,):
        for shift in np.arange(0.0, 360.0, options.window_degrees):
            west = first + (grid.longitude[0] - first + shift) % 360
            longitude = west + grid.longitude - grid.longitude[0]
            window = around.interp(latitude=sign * grid.latitude, longitude=longitude, assume_sorted=True)
            yield _interpolate_to_region(window, grid, mirrored=sign == -1)


def _wrapped(globe: xr.Dataset) -> xr.Dataset:
    """Repeat the globe once in longitude, with coordinates ascending from west to east and south to north."""
    again = globe.assign_coords(longitude=globe["longitude"] + 360)
    return xr.concat([globe, again], "longitude").sortby("latitude")


def _interpolate_to_region(window: xr.Dataset, grid: Grid, *, mirrored: bool) -> xr.Dataset:
    """Interpolate fields to the region's coordinates, and clip rounding errors at the physical bounds."""
    fields = {}
    for name, field in window.items():
        sign = float(mirror_signs([str(name)])) if mirrored else 1.0
        fields[name] = (sign * field).clip(min=channel(str(name)).variable.minimum).astype(np.float32)
    time = window["time"] + HALF_YEAR if mirrored else window["time"]
    return window.assign(fields).assign_coords(time=time, latitude=grid.latitude, longitude=grid.longitude)
