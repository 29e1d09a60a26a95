"""A residual U-Net whose convolutions know how the edges of the map are joined."""

import itertools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from forecast.grid import Topology, beyond_latitudes, pad
from forecast.networks.embedding import NoiseEmbedding

ODD_SHARE = 4
"""One in so many hidden channels changes sign across a pole, so that the network can carry vectors over it."""


def hidden_polar_sign(channels: int) -> Tensor:
    """+1 for most hidden channels and -1 for the last quarter."""
    sign = torch.ones(channels, 1, 1)
    sign[channels - channels // ODD_SHARE :] = -1.0
    return sign


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


class MapConvolution(nn.Module):
    """A 3x3 convolution that continues the map beyond its edges."""

    def __init__(self, inputs: int, outputs: int, topology: Topology, polar_sign: Tensor | None = None) -> None:
        super().__init__()
        self.topology = topology
        self.convolution = nn.Conv2d(inputs, outputs, kernel_size=3)
        sign = hidden_polar_sign(inputs) if polar_sign is None else polar_sign
        self.register_buffer("polar_sign", sign, persistent=False)

    def forward(self, x: Float[Tensor, "batch inputs latitude longitude"]) -> Tensor:
        """Convolve; the map keeps its size."""
        polar_sign = self.get_buffer("polar_sign")
        result: Tensor = self.convolution(pad(x, 1, self.topology, polar_sign))
        return result


class ResidualBlock(nn.Module):
    """Two convolutions added to their input, scaled and shifted by the embedding."""

    def __init__(self, width: int, embedding: int, topology: Topology, dropout: float) -> None:
        super().__init__()
        self.first_norm = _norm(width)
        self.first = MapConvolution(width, width, topology)
        self.modulation = nn.Linear(embedding, 2 * width)
        self.second_norm = _norm(width)
        self.dropout = nn.Dropout(dropout)
        self.second = MapConvolution(width, width, topology)
        nn.init.zeros_(self.second.convolution.weight)
        if self.second.convolution.bias is not None:
            nn.init.zeros_(self.second.convolution.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Add the block's change to `x`."""
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        change = self.first(functional.silu(self.first_norm(x)))
        change = self.second_norm(change) * (1 + scale) + shift
        result: Tensor = x + self.second(self.dropout(functional.silu(change)))
        return result


class UNet(nn.Module):
    """A U-Net over patches of a latitude-longitude map; additive skips, one halving between successive widths.

    Args:
        polar_sign: +1 or -1 per input map.
        outputs: Maps returned.
        scalars: Scalar conditions.
        shape: Latitudes and longitudes of the map; the network extends it to whole patches and cuts back.
        topology: How its edges are joined.
        patch: Grid points a side that are merged before the first convolution.
        widths: Channels per resolution, finest first.
        blocks: Residual blocks per resolution, down and up each.
        dropout: Share of hidden values dropped in training.

    Raises:
        ValueError: A periodic map's longitudes do not divide into whole patches.
    """

    def __init__(
        self,
        *,
        polar_sign: Float[Tensor, " inputs"],
        outputs: int,
        scalars: int,
        shape: tuple[int, int],
        topology: Topology,
        patch: int,
        widths: tuple[int, ...],
        blocks: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        stride = patch * 2 ** (len(widths) - 1)
        if topology.periodic and shape[1] % stride:
            raise ValueError(f"network: expected longitudes divisible by {stride}, found {shape[1]}")
        self.patch = patch
        self.topology = topology
        self.register_buffer("polar_sign", polar_sign[:, None, None], persistent=False)
        self.extension = Extension.to_whole_patches(shape, stride, topology)
        inner = topology if self.extension.is_empty() else topology.without_poles()
        width_embedding = 2 * widths[0]
        patch_sign = polar_sign.repeat_interleave(patch * patch)[:, None, None]
        self.embedding = NoiseEmbedding(scalars, width_embedding)
        self.entry = MapConvolution(patch_sign.shape[0], widths[0], inner, patch_sign)
        self.down = nn.ModuleList(_stage(width, blocks, width_embedding, inner, dropout) for width in widths)
        self.up = nn.ModuleList(_stage(width, blocks, width_embedding, inner, dropout) for width in widths)
        pairs = list(itertools.pairwise(widths))
        self.narrower = nn.ModuleList(nn.Conv2d(fine, coarse, kernel_size=2, stride=2) for fine, coarse in pairs)
        self.wider = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, kernel_size=2, stride=2) for fine, coarse in pairs)
        self.exit_norm = _norm(widths[0])
        self.exit = MapConvolution(widths[0], outputs * patch * patch, inner)
        nn.init.zeros_(self.exit.convolution.weight)

    def forward(
        self,
        x: Float[Tensor, "batch inputs latitude longitude"],
        noise_label: Float[Tensor, " batch"],
        scalars: Float[Tensor, "batch scalar"],
    ) -> Float[Tensor, "batch outputs latitude longitude"]:
        """Map inputs to outputs on the same grid."""
        embedding = self.embedding(noise_label, scalars)
        rows, columns = x.shape[-2:]
        x = self.extension.apply(x, self.topology, self.get_buffer("polar_sign"))
        x = functional.pixel_unshuffle(x, self.patch).contiguous(memory_format=torch.channels_last)
        x = self.entry(x)
        skips = []
        for level, stage in enumerate(self.down):
            for block in _blocks(stage):
                x = block(x, embedding)
            if level < len(self.narrower):
                skips.append(x)
                x = self.narrower[level](x)
        for level in reversed(range(len(self.up))):
            if level < len(self.wider):
                x = self.wider[level](x) + skips.pop()
            for block in _blocks(self.up[level]):
                x = block(x, embedding)
        x = self.exit(functional.silu(self.exit_norm(x)))
        x = functional.pixel_shuffle(x, self.patch)
        return x[..., self.extension.south : self.extension.south + rows, :columns]


def _norm(width: int) -> nn.GroupNorm:
    """Group norm over about 16 channels a group: fewer would erase how strong a feature is."""
    return nn.GroupNorm(math.gcd(width, max(1, width // 16)), width)


def _stage(width: int, blocks: int, embedding: int, topology: Topology, dropout: float) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(width, embedding, topology, dropout) for _ in range(blocks))


def _blocks(stage: nn.Module) -> nn.ModuleList:
    assert isinstance(stage, nn.ModuleList)
    return stage
