"""A residual U-Net over the patches of a map on the sphere."""

import itertools

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from forecast.networks.convolution import MapConvolution
from forecast.networks.embedding import NoiseEmbedding
from forecast.networks.interface import NetworkInterface
from forecast.networks.normalisation import MapNorm
from forecast.networks.patches import Patching
from forecast.sphere.grid import Topology
from forecast.system.network import UNetSettings


class ResidualBlock(nn.Module):
    """Two convolutions, modulated by the embedding and added to their input. A fresh block changes nothing.

    Args:
        width: Channels of the maps.
        embedding: Length of the embedding.
        topology: How the edges of the map are joined.
        dropout: Share of the activations that training drops.
    """

    def __init__(self, width: int, embedding: int, topology: Topology, dropout: float) -> None:
        super().__init__()
        self.first_norm = MapNorm(width)
        self.first = MapConvolution(width, width, topology)
        self.modulation = nn.Linear(embedding, 2 * width)
        self.second_norm = MapNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.second = MapConvolution(width, width, topology)
        nn.init.zeros_(self.second.convolution.weight)
        if self.second.convolution.bias is not None:
            nn.init.zeros_(self.second.convolution.bias)

    def forward(
        self, x: Float[Tensor, "batch width row column"], embedding: Float[Tensor, "batch embedding"]
    ) -> Float[Tensor, "batch width row column"]:
        """Return the maps plus the block's change.

        Args:
            x: The maps.
            embedding: Noise level and scalar conditions, embedded.
        """
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        change = self.first(functional.silu(self.first_norm(x)))
        change = self.second_norm(change) * (1 + scale) + shift
        result: Tensor = x + self.second(self.dropout(functional.silu(change)))
        return result


class SphereUNet(nn.Module):
    """A U-Net with additive skips, which halves the map of patches between successive widths.

    Maps that do not fill whole patches are extended, and the output is cut back.

    Args:
        interface: Inputs and outputs of the network.
        settings: Size of the network.

    Raises:
        ValueError: The settings do not fit the grid; names the setting.
    """

    def __init__(self, interface: NetworkInterface, settings: UNetSettings) -> None:
        super().__init__()
        patch, widths, signs = settings.patch, settings.widths, interface.polar_sign
        topology = interface.grid.topology()
        self.patching = Patching(interface.grid.shape, topology, patch=patch, halvings=len(widths) - 1)
        inner = self.patching.inner
        self.register_buffer("polar_sign", signs[:, None, None], persistent=False)
        width_embedding = 2 * widths[0]
        patch_sign = signs.repeat_interleave(patch * patch)[:, None, None]
        self.embedding = NoiseEmbedding(interface.scalars, width_embedding)
        self.entry = MapConvolution(patch_sign.shape[0], widths[0], inner, patch_sign)
        self.down = _stages(settings, width_embedding, inner)
        self.up = _stages(settings, width_embedding, inner)
        pairs = list(itertools.pairwise(widths))
        self.narrower = nn.ModuleList(nn.Conv2d(fine, coarse, kernel_size=2, stride=2) for fine, coarse in pairs)
        self.wider = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, kernel_size=2, stride=2) for fine, coarse in pairs)
        self.exit_norm = MapNorm(widths[0])
        self.exit = MapConvolution(widths[0], interface.outputs * patch * patch, inner)
        nn.init.zeros_(self.exit.convolution.weight)

    def forward(
        self,
        x: Float[Tensor, "batch inputs latitude longitude"],
        noise_label: Float[Tensor, " batch"],
        scalars: Float[Tensor, "batch scalar"],
    ) -> Float[Tensor, "batch outputs latitude longitude"]:
        """Return the output maps.

        Args:
            x: The input maps.
            noise_label: ln(sigma) / 4 of each sample.
            scalars: Scalar conditions of each sample.
        """
        embedding = self.embedding(noise_label, scalars)
        x = self.entry(self.patching.cut(x, self.get_buffer("polar_sign")))
        skips = []
        for level, stage in enumerate(self.down):
            x = _apply_blocks(stage, x, embedding)
            if level < len(self.narrower):
                skips.append(x)
                x = self.narrower[level](x)
        for level in reversed(range(len(self.up))):
            if level < len(self.wider):
                x = self.wider[level](x) + skips.pop()
            x = _apply_blocks(self.up[level], x, embedding)
        return self.patching.join(self.exit(functional.silu(self.exit_norm(x))))


def _apply_blocks(stage: nn.Module, x: Tensor, embedding: Tensor) -> Tensor:
    assert isinstance(stage, nn.ModuleList)
    for block in stage:
        x = block(x, embedding)
    return x


def _stages(settings: UNetSettings, embedding: int, topology: Topology) -> nn.ModuleList:
    """The residual blocks of each resolution, finest first."""
    return nn.ModuleList(
        nn.ModuleList(ResidualBlock(width, embedding, topology, settings.dropout) for _ in range(settings.blocks))
        for width in settings.widths
    )
