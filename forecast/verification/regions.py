"""Parts of the world that scores are given for.

A region counts only where the grid holds all of it: a score of the North Atlantic is not one of the northern
extratropics.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.layout.cells import latitude_edges, longitude_edges
from forecast.verification.checks import UnscorableError
from forecast.verification.weighting import area_weights

WHOLE = "global"
DOMAIN = "domain"
LEAST_COVERED = 0.99
"""Share of a region's area that a grid must hold; rows that end short of a pole lack less than the rest."""


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

    def covered(self, latitude: xr.DataArray, longitude: xr.DataArray) -> float:
        """Share of its area that lies on a grid, whose cells reach half-way to their neighbours.

        Args:
            latitude: Of the grid, degrees, in order.
            longitude: Of the grid, degrees, in any order.
        """
        _check_size(latitude, longitude)
        inside = np.clip(latitude_edges(np.sort(latitude.values))[[0, -1]], self.south, self.north)
        heights = np.diff(np.sin(np.deg2rad([*inside, self.south, self.north])))[[0, 2]]
        width = min(self.east - self.west, 360.0)
        west, east = _arc(longitude.values.astype(np.float64))
        turns = [max(min(east + turn, self.west + width) - max(west + turn, self.west), 0.0) for turn in _TURNS]
        return float(heights[0] / heights[1] * min(sum(turns) / width, 1.0))


_TURNS = tuple(360.0 * turn for turn in range(-3, 4))
REGIONS: Mapping[str, Box] = {
    "northern-extratropics": Box(20, 90),
    "southern-extratropics": Box(-90, -20),
    "tropics": Box(-20, 20),
    "europe": Box(35, 75, -12.5, 42.5),
    "north-america": Box(25, 60, -120, -75),
}
"""As in WMO-No. 485 and the Lead Centre's score tables; the tropics share the edges of the extratropics."""
BUILT_IN: Mapping[str, Box] = {WHOLE: Box(-90, 90), **REGIONS}


def region_weights(
    latitude: xr.DataArray, longitude: xr.DataArray, regions: Mapping[str, Box | xr.DataArray] | None = None
) -> xr.DataArray:
    """Area weights within each region, 0 outside.

    Args:
        latitude: Of the grid; see `area_weights`.
        longitude: Of the grid.
        regions: Boxes, or masks on the grid (true or a weight within), by name; when None, those of the usual ones that
            the grid holds.

    Returns:
        Along `region`, latitude and longitude: first the whole grid, named `global`, or `domain` where it is a part of
        the world; then each region.

    Raises:
        UnscorableError: A region that was asked for is not all on the grid, or no grid point lies in it.
    """
    areas = area_weights(latitude) * xr.ones_like(longitude, dtype=np.float64)
    weights = {_whole_name(latitude, longitude): areas}
    for name, region in (held_regions(latitude, longitude) if regions is None else regions).items():
        if name == DOMAIN:
            raise UnscorableError(f"region '{name}': expected another name, this is that of a whole grid")
        if name != WHOLE or name not in weights:
            weights[name] = areas * _checked_mask(name, region, latitude, longitude)
    names = xr.DataArray(list(weights), dims="region", name="region")
    return xr.concat(list(weights.values()), names).transpose("region", "latitude", "longitude")


def held_regions(latitude: xr.DataArray, longitude: xr.DataArray) -> dict[str, Box]:
    """Those of the usual regions that lie on a grid with nearly all of their area, and hold a point of it."""
    return {
        name: box
        for name, box in REGIONS.items()
        if box.covered(latitude, longitude) >= LEAST_COVERED and bool(box.mask(latitude, longitude).any())
    }


def _checked_mask(
    name: str, region: Box | xr.DataArray, latitude: xr.DataArray, longitude: xr.DataArray
) -> xr.DataArray:
    if isinstance(region, Box):
        share = region.covered(latitude, longitude)
        if share < LEAST_COVERED:
            raise UnscorableError(f"region '{name}': expected all of it on the grid, found {max(share, 0.0):.0%}")
        region = region.mask(latitude, longitude)
    mask = region.astype(np.float64)
    if set(mask.dims) != {"latitude", "longitude"} or not np.isfinite(mask.values).all() or bool((mask < 0).any()):
        raise UnscorableError(f"region '{name}': expected a weight of 0 or more for each point of the grid")
    if not bool((mask > 0).any()):
        raise UnscorableError(f"region '{name}': expected at least one grid point in it, found none")
    return mask


def _whole_name(latitude: xr.DataArray, longitude: xr.DataArray) -> str:
    return WHOLE if BUILT_IN[WHOLE].covered(latitude, longitude) >= LEAST_COVERED else DOMAIN


def _arc(longitude: NDArray[np.float64]) -> tuple[float, float]:
    """West and east edge of a grid, which lies on the other side of the widest gap between its columns."""
    wrapped = np.sort(longitude % 360.0)
    gaps = np.diff(wrapped, append=wrapped[0] + 360.0)
    widest = int(np.argmax(gaps))
    eastward = np.concatenate([wrapped[widest + 1 :], wrapped[: widest + 1] + 360.0])
    edges = longitude_edges(eastward)
    return float(edges[0]), float(edges[-1])


def _check_size(latitude: xr.DataArray, longitude: xr.DataArray) -> None:
    for values in (latitude, longitude):
        if values.size < 2:
            raise UnscorableError(f"grid: expected at least 2 latitudes and longitudes, found {values.values.tolist()}")
