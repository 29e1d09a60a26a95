"""Map projections of a grid: interpolation to pixels, coastlines, graticule and outline, computed once per grid."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cartopy
import cartopy.crs as ccrs
import numpy as np
import numpy.typing as npt
import shapely  # type: ignore[import-untyped]
from cartopy.io import shapereader
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt, map_coordinates

from data_catalog.bundled import NATURAL_EARTH
from data_catalog.errors import MissingDataError
from data_catalog.layout.cells import Cells

Floats = npt.NDArray[np.float64]
PAD = 4
_SUPERSAMPLED = 4
"""Points along each side of a pixel by which the edge of a map is smoothed."""
GRATICULE_DEGREES = 30
REGIONAL_GRATICULE_DEGREES = 10
MOST_REGIONAL_DEGREES = 150.0
"""Degrees of longitude that the map of a region spans at most."""
LAMBERT_LATITUDES = (20.0, 75.0)


@dataclass(frozen=True, eq=False)
class MapFrame:
    """A grid in a map projection.

    Attributes:
        x: Pixel columns, in projection coordinates.
        y: Pixel rows, in projection coordinates.
        outline: Edge of the map in projection coordinates, (point, 2).
        coastlines: Lines in projection coordinates, each (point, 2).
        graticule: Meridians and parallels in projection coordinates, each (point, 2).
        around: Whether the grid is global.
    """

    x: Floats
    y: Floats
    outline: Floats
    coastlines: tuple[Floats, ...]
    graticule: tuple[Floats, ...]
    around: bool
    _projection: ccrs.Projection
    _pole_rows: tuple[int, int]
    _rows: Floats
    _columns: Floats
    _inside: npt.NDArray[np.bool_]

    @property
    def aspect(self) -> float:
        """Width over height."""
        return float(np.ptp(self.outline[:, 0]) / np.ptp(self.outline[:, 1]))

    def project(self, field: Floats, *, polar_sign: int = 1, smooth: bool = True, every: int = 1) -> Floats:
        """Interpolate a field to the pixels of the map.

        Args:
            field: (latitude, longitude), without missing values.
            polar_sign: -1 for vector components, which change sign across a pole.
            smooth: Whether to interpolate by cubic splines rather than linearly; splines may overshoot.
            every: Use only every n-th row and column of pixels.

        Returns:
            (row, column) of pixels; NaN outside the outline.
        """
        values_at_points = np.asarray(field, dtype=np.float64)
        padded = (
            _wrapped(values_at_points, self._pole_rows, polar_sign) if self.around else _continued(values_at_points)
        )
        where = np.stack([self._rows[::every, ::every], self._columns[::every, ::every]])
        values: Floats = map_coordinates(padded, where, order=3 if smooth else 1, mode="nearest")
        values[~self._inside[::every, ::every]] = np.nan
        return values

    def at_pixels(
        self, field: Floats, size: tuple[int, int], *, polar_sign: int = 1, smooth: bool = True, every: int = 1
    ) -> npt.NDArray[np.float32]:
        """Interpolate a field to the pixels of a picture of the map, and beyond the outline to all of it.

        Args:
            field: (latitude, longitude); NaN where there is no value.
            size: Width and height of the picture, pixels.
            polar_sign: As for `project`.
            smooth: As for `project`.
            every: As for `project`.

        Returns:
            (row, column), the lowest row first.
        """
        values = self.project(field, polar_sign=polar_sign, smooth=smooth, every=every)
        values = values[self._nearest_inside(every)]
        rows, columns = values.shape
        within = (0.5, 0.5, columns - 0.5, rows - 0.5)  # the outermost values lie on the edges of the picture
        picture = Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR, box=within)
        return np.asarray(picture)

    @lru_cache(maxsize=8)  # noqa: B019  # frames are few and are kept themselves
    def opacity(self, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """Return how far each pixel of a picture of the map lies inside the outline, from 0 to 255.

        Args:
            size: Width and height of the picture, pixels.

        Returns:
            (row, column), the lowest row first.
        """
        finer = _SUPERSAMPLED * size[0], _SUPERSAMPLED * size[1]
        lowest = self.outline.min(axis=0)
        corners = (self.outline - lowest) / np.ptp(self.outline, axis=0) * finer
        mask = Image.new("L", finer)
        ImageDraw.Draw(mask).polygon(corners.ravel().tolist(), fill=255)
        return np.asarray(mask.resize(size, Image.Resampling.BOX))

    @lru_cache(maxsize=4)  # noqa: B019
    def _nearest_inside(self, every: int) -> tuple[npt.NDArray[np.int32], ...]:
        """Row and column of the point on the map that is nearest to each point around it."""
        outside = ~self._inside[::every, ::every]
        return tuple(distance_transform_edt(outside, return_distances=False, return_indices=True))

    def place(self, latitude: Floats, longitude: Floats) -> Floats:
        """Return projection coordinates of places, (place, 2).

        Args:
            latitude: Degrees north.
            longitude: Degrees east, on any turn of the circle.
        """
        points: Floats = self._projection.transform_points(
            ccrs.PlateCarree(), np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
        )
        return points[..., :2]


def frame_around(latitude: Floats, longitude: Floats) -> MapFrame:
    """Prepare the map of some places: of the smallest region around them, or of the globe where they span much of it.

    Args:
        latitude: Degrees north of the places.
        longitude: Degrees east of the places, on any turn of the circle.

    Raises:
        MissingDataError: The coastlines that are bundled with the package are not there.
    """
    west, width = _narrowest(longitude)
    south, north = float(latitude.min()), float(latitude.max())
    margin = max(2.0, 0.08 * max(width, north - south))
    if width + 2 * margin > MOST_REGIONAL_DEGREES:
        return map_frame(np.linspace(-90.0, 90.0, 37), np.arange(0.0, 360.0, 5.0))
    rows = np.linspace(max(south - margin, -90.0), min(north + margin, 90.0), 30)
    return map_frame(rows, np.linspace(west - margin, west + width + margin, 30))


def _narrowest(longitude: Floats) -> tuple[float, float]:
    """Western end and width of the narrowest sector that holds all longitudes, in degrees."""
    turned = np.unique(np.mod(longitude, 360.0))
    gaps = np.diff([*turned, turned[0] + 360.0])
    widest = int(np.argmax(gaps))
    west = float(turned[(widest + 1) % turned.size])
    return (west if west <= 180.0 else west - 360.0), 360.0 - float(gaps[widest])


def map_frame(latitude: Floats, longitude: Floats) -> MapFrame:
    """Prepare the map of a grid: Robinson if it is global, else Lambert conformal or plate carrée.

    Args:
        latitude: Degrees north, ascending.
        longitude: Degrees east, ascending.

    Raises:
        MissingDataError: The coastlines that are bundled with the package are not there.
    """
    return _map_frame(tuple(np.asarray(latitude).tolist()), tuple(np.asarray(longitude).tolist()))


@lru_cache(maxsize=8)
def _map_frame(latitude: tuple[float, ...], longitude: tuple[float, ...]) -> MapFrame:
    lats, lons = np.array(latitude), np.array(longitude)
    around = Cells(lats, lons).is_global
    projection = _projection(lats, lons, around)
    outline = _outline(projection, lats, lons, around)
    width, height = np.ptp(outline[:, 0]), np.ptp(outline[:, 1])
    columns = 420 if around else 320
    x = np.linspace(outline[:, 0].min(), outline[:, 0].max(), columns)
    y = np.linspace(outline[:, 1].min(), outline[:, 1].max(), int(columns * height / width))
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    lonlat = ccrs.PlateCarree().transform_points(projection, grid[..., 0], grid[..., 1])[..., :2]
    rows, columns_at, inside = _indices(lonlat, lats, lons, around)
    return MapFrame(
        x=x,
        y=y,
        outline=outline,
        coastlines=tuple(_projected_lines(projection, _coastlines(), outline)),
        graticule=tuple(_projected_lines(projection, _graticule(around), outline)),
        around=around,
        _projection=projection,
        _pole_rows=_pole_rows(lats),
        _rows=rows,
        _columns=columns_at,
        _inside=inside,
    )


def _projection(latitude: Floats, longitude: Floats, around: bool) -> ccrs.Projection:
    if around:
        return ccrs.Robinson(central_longitude=0.0)
    middle_latitude = float(latitude[0] + latitude[-1]) / 2
    middle_longitude = float(longitude[0] + longitude[-1]) / 2
    if LAMBERT_LATITUDES[0] <= abs(middle_latitude) <= LAMBERT_LATITUDES[1] and latitude[0] * latitude[-1] > 0:
        sixth = float(latitude[-1] - latitude[0]) / 6
        parallels = (float(latitude[0]) + sixth, float(latitude[-1]) - sixth)
        cutoff = -30.0 if middle_latitude > 0 else 30.0
        return ccrs.LambertConformal(middle_longitude, middle_latitude, standard_parallels=parallels, cutoff=cutoff)
    return ccrs.PlateCarree(central_longitude=middle_longitude)


def _outline(projection: ccrs.Projection, latitude: Floats, longitude: Floats, around: bool) -> Floats:
    if around:
        edge: Floats = np.array(projection.boundary.coords)[:, :2]
        return edge
    south, north, west, east = latitude[0], latitude[-1], longitude[0], longitude[-1]
    along, up = np.linspace(west, east, 120), np.linspace(south, north, 60)
    lons = np.concatenate([along, np.full(60, east), along[::-1], np.full(60, west)])
    lats = np.concatenate([np.full(120, south), up, np.full(120, north), up[::-1]])
    points: Floats = projection.transform_points(ccrs.PlateCarree(), lons, lats)[:, :2]
    return points


def _indices(
    lonlat: Floats, latitude: Floats, longitude: Floats, around: bool
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Find the position of each pixel in the padded field, and whether it lies on the map."""
    lons, lats = lonlat[..., 0], lonlat[..., 1]
    valid = np.isfinite(lons) & np.isfinite(lats)
    lats, lons = np.where(valid, lats, 0.0), np.where(valid, lons, 0.0)
    turned = longitude[0] + np.mod(lons - longitude[0], 360.0)
    if around:
        padded_lats = _padded_latitude(latitude)
        step = 360.0 / longitude.size
        columns = (turned - longitude[0]) / step + PAD
        return np.interp(lats, padded_lats, np.arange(padded_lats.size)), columns, valid
    tolerance = 1e-6
    inside = valid & (lats >= latitude[0] - tolerance) & (lats <= latitude[-1] + tolerance)
    # Rounding puts a point at the western edge almost a full circle to the east.
    turned = np.where(turned > longitude[0] + 360.0 - tolerance, longitude[0], turned)
    inside &= turned <= longitude[-1] + tolerance
    rows = np.interp(lats, latitude, np.arange(latitude.size))
    columns = np.interp(turned, longitude, np.arange(longitude.size))
    return rows + PAD, columns + PAD, inside


def _pole_rows(latitude: Floats) -> tuple[int, int]:
    """Count the rows at the south and the north pole, 0 or 1; padding does not repeat them."""
    return int(latitude[0] <= -90.0 + 1e-6), int(latitude[-1] >= 90.0 - 1e-6)


def _padded_latitude(latitude: Floats) -> Floats:
    """Latitudes continued across the poles, as angles beyond 90 degrees."""
    south, north = _pole_rows(latitude)
    beyond_south = -180.0 - latitude[south : south + PAD]
    beyond_north = 180.0 - latitude[::-1][north : north + PAD]
    return np.concatenate([beyond_south[::-1], latitude, beyond_north])


def _wrapped(field: Floats, pole_rows: tuple[int, int], polar_sign: int) -> Floats:
    """Pad a global field with its neighbours across the date line and the poles."""
    south, north = pole_rows
    across = polar_sign * np.roll(field, field.shape[1] // 2, axis=1)
    tall = np.concatenate([across[south : south + PAD][::-1], field, across[::-1][north : north + PAD]])
    return np.pad(tall, ((0, 0), (PAD, PAD)), mode="wrap")


def _continued(field: Floats) -> Floats:
    """Pad a regional field by odd reflection."""
    return np.pad(field, PAD, mode="reflect", reflect_type="odd")


def natural_earth(category: str, name: str) -> Path:
    """Return the path of a shape file of the bundled Natural Earth 1:110 million set; nothing is downloaded.

    Args:
        category: Category, such as `physical`.
        name: Name of the layer, such as `coastline`.

    Raises:
        MissingDataError: The file does not exist.
    """
    cartopy.config["pre_existing_data_dir"] = str(NATURAL_EARTH)
    path = NATURAL_EARTH / "shapefiles" / "natural_earth" / category / f"ne_110m_{name}.shp"
    if not path.exists():
        raise MissingDataError(f"coastlines: expected {path}, which is bundled with the package, found nothing")
    return Path(shapereader.natural_earth(resolution="110m", category=category, name=name))


@lru_cache(maxsize=1)
def _coastlines() -> tuple[shapely.Geometry, ...]:
    return tuple(shapereader.Reader(natural_earth("physical", "coastline")).geometries())


def _graticule(around: bool) -> tuple[shapely.Geometry, ...]:
    step = GRATICULE_DEGREES if around else REGIONAL_GRATICULE_DEGREES
    parallels = [
        shapely.LineString(np.column_stack([np.linspace(-180, 180, 181), np.full(181, latitude)]))
        for latitude in range(-90 + step, 90, step)
    ]
    meridians = [
        shapely.LineString(np.column_stack([np.full(91, longitude), np.linspace(-90, 90, 91)]))
        for longitude in range(-180 + step, 180, step)
    ]
    return (*parallels, *meridians)


def _projected_lines(
    projection: ccrs.Projection, geometries: tuple[shapely.Geometry, ...], outline: Floats
) -> Iterator[Floats]:
    frame = shapely.Polygon(outline).buffer(0)
    for geometry in geometries:
        inside = projection.project_geometry(geometry, ccrs.PlateCarree()).intersection(frame)
        for part in getattr(inside, "geoms", [inside]):
            if isinstance(part, shapely.LineString) and not part.is_empty:
                yield np.asarray(part.coords)[:, :2]
