"""Parts of the world that scores are given for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from forecast.verification.checks import UnscorableError
from forecast.verification.weighting import area_weights

WHOLE = "global"
DOMAIN = "domain"


@dataclass(frozen=True)
class Box:
    """A range of latitudes and longitudes, degrees, its edges included.

    Attributes:
        south: Lowest latitude.
        north: Highest latitude.
        west: Where it begins, going east; any turn of the circle.
        east: Where it ends; 360 or more beyond `west` is all longitudes.
    """

    south: float
    north: float
    west: float = 0.0
    east: float = 360.0

    def __post_init__(self) -> None:
        if not -90 <= self.south < self.north <= 90 or not self.west < self.east:
            raise UnscorableError(f"region: expected south < north within -90 to 90, and west < east, found {self}")

    def mask(self, latitude: xr.DataArray, longitude: xr.DataArray) -> xr.DataArray:
        """Which points lie within.

        Args:
            latitude: Degrees.
            longitude: Degrees.
        """
        inside = (latitude >= self.south) & (latitude <= self.north)
        if self.east - self.west >= 360:
            return inside & xr.ones_like(longitude, dtype=bool)
        return inside & ((longitude - self.west) % 360 <= self.east - self.west)


REGIONS: Mapping[str, Box] = {
    "northern-extratropics": Box(20, 90),
    "southern-extratropics": Box(-90, -20),
    "tropics": Box(-20, 20),
    "europe": Box(35, 75, -12.5, 42.5),
    "north-america": Box(25, 60, -120, -75),
}
"""As in WMO-No. 485 and the Lead Centre's score tables; the tropics share the edges of the extratropics."""


def region_weights(
    latitude: xr.DataArray, longitude: xr.DataArray, regions: Mapping[str, Box | xr.DataArray] | None = None
) -> xr.DataArray:
    """Area weights within each region, 0 outside.

    Args:
        latitude: Of the grid; see `area_weights`.
        longitude: Of the grid.
        regions: Boxes, or masks on the grid (true or a weight within), by name; the usual ones when None.

    Returns:
        Along `region`, latitude and longitude: first the whole grid, named `global`, or `domain` where it is a part of
        the world; then each region that holds a point of it, so that a grid over Europe has no tropics.
    """
    areas = area_weights(latitude)
    everywhere = xr.ones_like(longitude, dtype=np.float64)
    weights = {_whole_name(latitude, longitude): areas * everywhere}
    for name, region in (REGIONS if regions is None else regions).items():
        mask = region.mask(latitude, longitude) if isinstance(region, Box) else region
        inside = areas * mask.astype(np.float64) * everywhere
        if bool((inside > 0).any()):
            weights[name] = inside
    names = xr.DataArray(list(weights), dims="region", name="region")
    return xr.concat(list(weights.values()), names).transpose("region", "latitude", "longitude")


def _whole_name(latitude: xr.DataArray, longitude: xr.DataArray) -> str:
    axes = [values.values.astype(np.float64) for values in (latitude, longitude)]
    spans = [float(np.ptp(values) + np.abs(np.diff(values)).max(initial=0.0)) for values in axes]
    return WHOLE if spans[0] >= 180 - 1e-3 and spans[1] >= 360 - 1e-3 else DOMAIN
