"""Maps of any size cut into square patches, and patches joined to maps."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from forecast.parallel.bands import WHOLE, Bands
from forecast.sphere.grid import Topology, beyond_latitudes


@dataclass(frozen=True)
class Extension:
    """Rows and columns added to a map to fill whole patches. They are cut off again at the end.

    A map with grid points on its poles is extended across both poles, because no patch can be centred on a pole.

    Attributes:
        south: Rows added in the south.
        north: Rows added in the north.
        east: Columns added in the east.
    """

    south: int
    north: int
    east: int

    @classmethod
    def to_whole_patches(cls, shape: tuple[int, int], stride: int, topology: Topology) -> "Extension":
        """Return the smallest extension to multiples of a number of points.

        Args:
            shape: Numbers of latitudes and longitudes of the map.
            stride: Number of points that both sides of the extended map are multiples of.
            topology: How the edges of the map are joined.
        """
        if topology.pole == "on_point" and stride > 1:
            rows = -(shape[0] + 2) % stride + 2
            return cls(rows // 2, rows - rows // 2, 0)
        return cls(0, -shape[0] % stride, -shape[1] % stride)

    def is_empty(self) -> bool:
        """Return whether nothing is added."""
        return not (self.south or self.north or self.east)

    def apply(
        self,
        x: Float[Tensor, "batch map latitude longitude"],
        topology: Topology,
        polar_sign: Float[Tensor, "map 1 1"],
    ) -> Float[Tensor, "batch map extended_latitude extended_longitude"]:
        """Extend maps across the poles where they have poles, else by repeating their edges.

        Args:
            x: The maps.
            topology: How the edges of the map are joined.
            polar_sign: -1 for maps that change sign across a pole, +1 for the others.
        """
        if self.south or self.north:
            south, north = beyond_latitudes(x, max(self.south, self.north), topology, polar_sign)
            x = torch.cat([south[..., south.shape[-2] - self.south :, :], x, north[..., : self.north, :]], dim=-2)
        return torch.cat([x, x[..., -1:].expand(*x.shape[:-1], self.east)], dim=-1) if self.east else x


class Patching:
    """Cuts the maps of one grid into square patches.

    Args:
        shape: Numbers of latitudes and longitudes.
        topology: How the edges of the map are joined.
        patch: Grid points on each side of a patch.
        halvings: How often the network halves the map of patches.

    Raises:
        ValueError: On a globe, the longitudes do not fill whole patches, or across a pole not an even number of them.
    """

    def __init__(self, shape: tuple[int, int], topology: Topology, *, patch: int, halvings: int = 0) -> None:
        stride: int = patch * 2**halvings
        self.shape, self.topology, self.patch = shape, topology, patch
        self.extension = Extension.to_whole_patches(shape, stride, topology)
        self.inner = topology if self.extension.is_empty() else topology.without_poles()
        """How the edges of the map of patches are joined."""
        self.bands: Bands = WHOLE
        """The band of latitudes whose patches are cut; whole halvings, so that the network can halve each band."""
        self._stride = stride
        divisor = stride if self.inner.pole == "none" else 2 * stride  # across a pole lies the opposite longitude
        if topology.periodic and shape[1] % divisor:
            raise ValueError(f"patch: expected longitudes divisible by {divisor}, found {shape[1]}")

    def cut(
        self, x: Float[Tensor, "batch map latitude longitude"], polar_sign: Float[Tensor, "map 1 1"]
    ) -> Float[Tensor, "batch patch_map row column"]:
        """Cut maps into patches.

        Args:
            x: The maps.
            polar_sign: -1 for maps that change sign across a pole, +1 for the others.

        Returns:
            For each map patch * patch maps of patches, in channels-last memory format.
        """
        x = self.bands.cut(self.extension.apply(x, self.topology, polar_sign), self._rows())
        return functional.pixel_unshuffle(x, self.patch).contiguous(memory_format=torch.channels_last)

    def join(self, x: Float[Tensor, "batch patch_map row column"]) -> Float[Tensor, "batch map latitude longitude"]:
        """Join patches to maps, and cut off the extension.

        Args:
            x: Maps of patches, patch * patch for each map; of this band alone, if there are several.
        """
        x = self.bands.join(functional.pixel_shuffle(x, self.patch), self._rows())
        south = self.extension.south
        return x[..., south : south + self.shape[0], : self.shape[1]]

    @property
    def most_bands(self) -> int:
        """Largest number of bands: each has a row of the coarsest map; two, where an edge row is a pole."""
        return self._coarsest_rows // (2 if self.inner.pole == "on_point" else 1)

    @property
    def _coarsest_rows(self) -> int:
        extended = self.shape[0] + self.extension.south + self.extension.north
        return extended // self._stride

    def _rows(self) -> tuple[int, ...]:
        """Rows of the extended map in each band: whole rows of the coarsest map, divided as evenly as can be."""
        each, more = divmod(self._coarsest_rows, self.bands.count)
        return tuple(self._stride * (each + (number < more)) for number in range(self.bands.count))
