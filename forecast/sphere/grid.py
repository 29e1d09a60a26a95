"""The sphere, or a region of it, as tensors: cell areas, and padding that knows where the map's edges meet."""

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
        periodic: East and west edge meet.
        pole: What lies beyond the first and last latitude: nothing known (`none`), or the other side of the pole, which
            is half a cell (`between_points`) or a whole cell (`on_point`: the edge row is the pole itself) away.
    """

    periodic: bool
    pole: PoleKind

    @property
    def is_globe(self) -> bool:
        """Whether the map covers the whole sphere."""
        return self.periodic and self.pole != "none"

    def without_poles(self) -> "Topology":
        """The same map with its northern and southern edges left open."""
        return Topology(self.periodic, "none")


@dataclass(frozen=True)
class Grid:
    """A rectilinear grid; latitude and longitude in degrees, both ascending."""

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name, values in (("latitude", self.latitude), ("longitude", self.longitude)):
            if values.ndim != 1 or values.size < 2 or not (np.diff(values) > 0).all():
                raise InvalidDataError(f"grid: expected {name} ascending with two points or more, found {values}")

    @property
    def shape(self) -> tuple[int, int]:
        """Number of latitudes and longitudes."""
        return self.latitude.size, self.longitude.size

    @property
    def cells(self) -> Cells:
        """The cells around the points."""
        return Cells(self.latitude, self.longitude)

    def is_close_to(self, other: "Grid") -> bool:
        """Whether all points are the same, to what coordinates are rounded to."""
        return self.shape == other.shape and all(
            np.allclose(getattr(self, axis), getattr(other, axis), atol=1e-4) for axis in ("latitude", "longitude")
        )

    def topology(self) -> Topology:
        """Find how the edges are joined, from the spacing of the coordinates."""
        cells = self.cells
        if not cells.is_global or self.longitude.size % 2:
            return Topology(cells.is_periodic, "none")
        gap = float(np.diff(self.latitude).mean())
        beyond = max(90.0 - self.latitude[-1], self.latitude[0] + 90.0)
        return Topology(True, "on_point" if beyond < 0.01 * gap else "between_points")

    def has_mirror(self) -> bool:
        """Whether it goes round the globe and a mirror at the equator shows each latitude another of them."""
        return self.topology().is_globe and bool(np.allclose(self.latitude, -self.latitude[::-1], atol=1e-4))

    def area_weights(self) -> Float[Tensor, "latitude 1"]:
        """Relative area of the cells of each latitude, mean 1, in float32."""
        return torch.from_numpy(self.cells.areas).float()[:, None]


def pad(
    x: Float[Tensor, "batch channel latitude longitude"],
    amount: int,
    topology: Topology,
    polar_sign: Float[Tensor, "channel 1 1"],
) -> Float[Tensor, "batch channel padded_latitude padded_longitude"]:
    """Continue a map beyond its edges.

    East and west continue into each other on a periodic map. Across a pole the map continues on the opposite
    meridian, where east and north point the other way: `polar_sign` is -1 for the components of vectors. Open edges
    repeat the outermost value.

    Args:
        x: The map.
        amount: Points added on each side.
        topology: How the edges are joined.
        polar_sign: +1 or -1 per channel.
    """
    south, north = beyond_latitudes(x, amount, topology, polar_sign)
    x = torch.cat([south, x, north], dim=-2)
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
    """Rows south of the first latitude and north of the last one; see `pad`."""
    if topology.pole == "none":
        shape = (*x.shape[:-2], amount, x.shape[-1])
        return x[..., :1, :].expand(shape), x[..., -1:, :].expand(shape)
    skip = 1 if topology.pole == "on_point" else 0
    rows = x.shape[-2]
    half_turn = x.shape[-1] // 2
    south = x[..., skip : skip + amount, :].flip(-2).roll(half_turn, -1) * polar_sign
    north = x[..., rows - skip - amount : rows - skip, :].flip(-2).roll(half_turn, -1) * polar_sign
    return south, north
