"""Maps cut into patches and put together again, whatever their size and edges."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from forecast.sphere.grid import Topology, beyond_latitudes


@dataclass(frozen=True)
class Extension:
    """Rows and columns that complete a map to whole patches; they are cut off again at the end.

    A map with points on its poles gets rows from beyond both, since a patch cannot be centred on a pole.
    """

    south: int
    north: int
    east: int

    @classmethod
    def to_whole_patches(cls, shape: tuple[int, int], stride: int, topology: Topology) -> "Extension":
        """Smallest extension of `shape` to multiples of `stride`."""
        if topology.pole == "on_point" and stride > 1:
            rows = -(shape[0] + 2) % stride + 2
            return cls(rows // 2, rows - rows // 2, 0)
        return cls(0, -shape[0] % stride, -shape[1] % stride)

    def is_empty(self) -> bool:
        """Whether the map is whole patches already."""
        return not (self.south or self.north or self.east)

    def apply(self, x: Tensor, topology: Topology, polar_sign: Tensor) -> Tensor:
        """Extend a map: across the poles where it has them, else by repeating its edges."""
        if self.south or self.north:
            south, north = beyond_latitudes(x, max(self.south, self.north), topology, polar_sign)
            x = torch.cat([south[..., south.shape[-2] - self.south :, :], x, north[..., : self.north, :]], dim=-2)
        return torch.cat([x, x[..., -1:].expand(*x.shape[:-1], self.east)], dim=-1) if self.east else x


class Patching:
    """How the maps of one grid are cut into square patches.

    Args:
        shape: Latitudes and longitudes.
        topology: How the edges of the map are joined.
        patch: Points a side of a patch.
        halvings: How often the map of patches is halved further on.

    Raises:
        ValueError: The longitudes of a globe do not divide into whole patches, or round a pole not into an even number.
    """

    def __init__(self, shape: tuple[int, int], topology: Topology, *, patch: int, halvings: int = 0) -> None:
        stride = patch * 2**halvings
        self.shape, self.topology, self.patch = shape, topology, patch
        self.extension = Extension.to_whole_patches(shape, stride, topology)
        self.inner = topology if self.extension.is_empty() else topology.without_poles()
        """How the edges of the map of patches are joined."""
        divisor = stride if self.inner.pole == "none" else 2 * stride  # beyond a pole means half a turn away
        if topology.periodic and shape[1] % divisor:
            raise ValueError(f"network: expected longitudes divisible by {divisor}, found {shape[1]}")

    def cut(self, x: Float[Tensor, "batch map latitude longitude"], polar_sign: Tensor) -> Tensor:
        """The map of patches, (batch, map * patch * patch, rows, columns), channels last."""
        x = self.extension.apply(x, self.topology, polar_sign)
        return functional.pixel_unshuffle(x, self.patch).contiguous(memory_format=torch.channels_last)

    def join(self, x: Float[Tensor, "batch patch_map row column"]) -> Tensor:
        """The map that patches make, without its extension: (batch, map, latitude, longitude)."""
        x = functional.pixel_shuffle(x, self.patch)
        south = self.extension.south
        return x[..., south : south + self.shape[0], : self.shape[1]]
