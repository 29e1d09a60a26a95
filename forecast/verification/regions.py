"""Regions that scores are given for.

A region is scored only where the grid holds all of it: a score of the North Atlantic is not one of the northern
extratropics.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.layout.cells import latitude_edges, longitude_edges
from forecast.verification.checks import UnscorableError, on_grid
from forecast.verification.weighting import area_weights

WHOLE = "global"
"""Name of the whole grid where it is the globe."""
DOMAIN = "domain"
"""Name of the whole grid where it is a part of the world."""
LEAST_COVERED = 0.99
"""Share of a region's area that a grid must hold; a grid whose rows end short of a pole lacks less."""


@dataclass(frozen=True)
class Box:
    """A range of latitudes and longitudes, its edges included.

    Attributes:
        south: Lowest latitude, degrees.
        north: Highest latitude, degrees.
        west: Western edge, degrees east, on any turn of the circle.
        east: Eastern edge, degrees east, beyond `west`; 360 or more beyond it is all longitudes.

    Raises:
        UnscorableError: The edges are not in this order, or beyond a pole.
    """

    south: float
    north: float
    west: float = 0.0
    east: float = 360.0

    def __post_init__(self) -> None:
        if not -90 <= self.south < self.north <= 90 or not self.west < self.east:
            raise UnscorableError(f"region: expected south < north within -90 to 90, and west < east, found {self}")

    def mask(self, latitude: xr.DataArray, longitude: xr.DataArray) -> xr.DataArray:
        """Return whether each point of a grid lies in the box.

        Args:
            latitude: Latitudes of the grid, degrees.
            longitude: Longitudes of the grid, degrees east, on any turn of the circle.
        """
        inside = (latitude >= self.south) & (latitude <= self.north)
        if self.east - self.west >= 360:
            return inside & xr.ones_like(longitude, dtype=bool)
        return inside & ((longitude - self.west) % 360 <= self.east - self.west)

    def covered(self, latitude: xr.DataArray, longitude: xr.DataArray) -> float:
        """Return the share of the box's area that lies on the cells of a grid.

        Args:
            latitude: Latitudes of the grid, degrees, strictly monotonic, at least 2.
            longitude: Longitudes of the grid, degrees east, in any order and on any turn of the circle, at least 2.
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
"""Regions of WMO-No. 485 and of the Lead Centre's score tables; the tropics share the edges of the extratropics."""
BUILT_IN: Mapping[str, Box] = {WHOLE: Box(-90, 90), **REGIONS}


def region_weights(
    latitude: xr.DataArray, longitude: xr.DataArray, regions: Mapping[str, Box | xr.DataArray] | None = None
) -> xr.DataArray:
    """Area weights within each region, and 0 outside.

    Args:
        latitude: Latitudes of the grid, degrees, strictly monotonic.
        longitude: Longitudes of the grid, degrees east, in any order and on any turn of the circle.
        regions: Boxes, or masks on the grid (weights of 0 or more), by name; the built-in ones that it holds when None.

    Returns:
        Weights over `region` and the dimensions of `latitude` and `longitude`; as the weights of a score, they make
        `region` a dimension of it. The whole grid comes first: `global`, or `domain` if it is not.

    Raises:
        UnscorableError: A region that was asked for is not all on the grid, or no grid point lies in it.
    """
    areas = area_weights(latitude) * _along(longitude)
    weights = {_whole_name(latitude, longitude): areas}
    for name, region in (held_regions(latitude, longitude) if regions is None else regions).items():
        if name == DOMAIN:
            raise UnscorableError(f"region '{name}': expected another name, this is that of a whole grid")
        if name != WHOLE or name not in weights:
            weights[name] = areas * _checked_mask(name, region, latitude, longitude, areas)
    stacked = xr.concat(list(weights.values()), xr.DataArray(list(weights), dims="region", name="region"))
    return stacked.transpose("region", *latitude.dims, *longitude.dims)


def held_regions(latitude: xr.DataArray, longitude: xr.DataArray) -> dict[str, Box]:
    """Return the built-in regions that a grid holds nearly all of, and a point at least.

    Args:
        latitude: Latitudes of the grid, degrees, strictly monotonic.
        longitude: Longitudes of the grid, degrees east, in any order and on any turn of the circle.
    """
    return {
        name: box
        for name, box in REGIONS.items()
        if box.covered(latitude, longitude) >= LEAST_COVERED and bool(box.mask(latitude, longitude).any())
    }


def _along(longitude: xr.DataArray) -> xr.DataArray:
    if not isinstance(longitude, xr.DataArray) or longitude.ndim != 1:
        raise UnscorableError(f"longitude: expected a DataArray with one dimension, found {type(longitude).__name__}")
    return xr.ones_like(longitude, dtype=np.float64).drop_attrs()


def _checked_mask(
    name: str, region: Box | xr.DataArray, latitude: xr.DataArray, longitude: xr.DataArray, areas: xr.DataArray
) -> xr.DataArray:
    if isinstance(region, Box):
        share = region.covered(latitude, longitude)
        if share < LEAST_COVERED:
            raise UnscorableError(f"region '{name}': expected all of it on the grid, found {max(share, 0.0):.0%}")
        region = region.mask(latitude, longitude)
    mask = on_grid(f"region '{name}'", region.astype(np.float64), areas)
    if set(mask.dims) != set(areas.dims) or not np.isfinite(mask.values).all() or bool((mask < 0).any()):
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
