"""Latitude-longitude grids, global or regional: how their edges are joined, cell areas, and padding across edges."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.errors import InvalidDataError
from data_catalog.layout.cells import Cells

PoleKind = Literal["none", "between_points", "on_point"]


@dataclass(frozen=True)
class Topology:
    """How the edges of a latitude-longitude map are joined.

    Attributes:
        periodic: Whether the east and the west edge meet.
        pole: How the first and the last latitude are joined across the pole. `none`: not at all, the edge is open.
            `between_points`: the pole lies half a cell beyond the edge row. `on_point`: the edge row is the pole
            itself.
    """

    periodic: bool
    pole: PoleKind

    @property
    def is_globe(self) -> bool:
        """Whether the map covers the whole sphere."""
        return self.periodic and self.pole != "none"

    def without_poles(self) -> "Topology":
        """Return the topology of the same map with open northern and southern edges."""
        return Topology(self.periodic, "none")


@dataclass(frozen=True)
class Grid:
    """A rectilinear grid.

    Attributes:
        latitude: Degrees north, ascending, at least two.
        longitude: Degrees east, ascending, at least two.

    Raises:
        InvalidDataError: A coordinate is too short or does not ascend.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name, values in (("latitude", self.latitude), ("longitude", self.longitude)):
            if values.ndim != 1 or values.size < 2 or not (np.diff(values) > 0).all():
                raise InvalidDataError(f"grid: expected {name} ascending with two points or more, found {values}")

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of latitudes and longitudes."""
        return self.latitude.size, self.longitude.size

    @property
    def cells(self) -> Cells:
        """The cells around the points."""
        return Cells(self.latitude, self.longitude)

    def is_close_to(self, other: "Grid") -> bool:
        """Return whether all points are the same to within 1e-4 degrees, the rounding of coordinates in files.

        Args:
            other: The grid to compare with.
        """
        return self.shape == other.shape and all(
            np.allclose(getattr(self, axis), getattr(other, axis), atol=1e-4) for axis in ("latitude", "longitude")
        )

    def topology(self) -> Topology:
        """Return how the edges are joined, found from the spacing of the coordinates.

        A pole can be crossed only if the number of longitudes is even, so that each has an opposite one.
        """
        cells = self.cells
        if not cells.is_global or self.longitude.size % 2:
            return Topology(cells.is_periodic, "none")
        gap = float(np.diff(self.latitude).mean())
        beyond = max(90.0 - self.latitude[-1], self.latitude[0] + 90.0)
        return Topology(True, "on_point" if beyond < 0.01 * gap else "between_points")

    def is_symmetric_globe(self) -> bool:
        """Return whether the grid covers the globe, with each latitude of one hemisphere also in the other."""
        return self.topology().is_globe and bool(np.allclose(self.latitude, -self.latitude[::-1], atol=1e-4))

    def area_weights(self) -> Float[Tensor, "latitude 1"]:
        """Return the area of each latitude's cells relative to the mean, float32."""
        return torch.from_numpy(self.cells.areas).float()[:, None]


def pad(
    x: Float[Tensor, "batch channel latitude longitude"],
    amount: int,
    topology: Topology,
    polar_sign: Float[Tensor, "channel 1 1"],
) -> Float[Tensor, "batch channel padded_latitude padded_longitude"]:
    """Pad maps with the values across their edges.

    A periodic map is padded in longitude with its other end. Across a pole, a map continues on the opposite meridian,
    where east and north point the other way, so the components of vectors change sign. Open edges are padded with
    their outermost values.

    Args:
        x: The maps.
        amount: Number of points added on each side.
        topology: How the edges are joined.
        polar_sign: -1 for channels that change sign across a pole, +1 for the others.
    """
    south, north = beyond_latitudes(x, amount, topology, polar_sign)
    return pad_longitudes(torch.cat([south, x, north], dim=-2), amount, topology)


def pad_longitudes(
    x: Float[Tensor, "batch channel latitude longitude"], amount: int, topology: Topology
) -> Float[Tensor, "batch channel latitude padded_longitude"]:
    """Pad maps with the values across their western and eastern edges.

    Args:
        x: The maps.
        amount: Number of points added on each side.
        topology: How the edges are joined; open edges repeat their outermost column.
    """
    if topology.periodic:
        return torch.cat([x[..., -amount:], x, x[..., :amount]], dim=-1)
    west, east = x[..., :1], x[..., -1:]
    return torch.cat([west.expand(*x.shape[:-1], amount), x, east.expand(*x.shape[:-1], amount)], dim=-1)


def beyond_latitudes(
    x: Float[Tensor, "batch channel latitude longitude"],
    amount: int,
    topology: Topology,
    polar_sign: Float[Tensor, "channel 1 1"],
) -> tuple[Float[Tensor, "batch channel beyond longitude"], Float[Tensor, "batch channel beyond longitude"]]:
    """Return the rows that lie south of the first latitude and north of the last one.

    Args:
        x: The maps.
        amount: Number of rows on each side.
        topology: How the edges are joined; open edges repeat their outermost row.
        polar_sign: -1 for channels that change sign across a pole, +1 for the others.

    Returns:
        The southern and the northern rows, each in ascending latitude.
    """
    if topology.pole == "none":
        shape = (*x.shape[:-2], amount, x.shape[-1])
        return x[..., :1, :].expand(shape), x[..., -1:, :].expand(shape)
    skip = 1 if topology.pole == "on_point" else 0
    rows, half_turn = x.shape[-2], x.shape[-1] // 2
    south = x[..., skip : skip + amount, :].flip(-2).roll(half_turn, -1) * polar_sign
    north = x[..., rows - skip - amount : rows - skip, :].flip(-2).roll(half_turn, -1) * polar_sign
    return south, north
