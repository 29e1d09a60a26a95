"""A diffusion transformer over the patches of a map on the sphere (Peebles and Xie 2023, arXiv:2212.09748)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from forecast.networks.attention import SphereAttention, WindowLayout
from forecast.networks.convolution import MapConvolution
from forecast.networks.embedding import NoiseEmbedding
from forecast.networks.interface import NetworkInterface
from forecast.networks.patches import Patching
from forecast.networks.tokens import Tokens
from forecast.system.network import DiTSettings


class TransformerBlock(nn.Module):
    """Attention and a perceptron, both modulated by the embedding. A fresh block changes nothing.

    Args:
        settings: The size of the block.
        embedding: Length of the embedding.
    """

    def __init__(self, settings: DiTSettings, embedding: int) -> None:
        super().__init__()
        width, hidden = settings.width, settings.expansion * settings.width
        self.modulation = _zeroed(nn.Linear(embedding, 6 * width))
        self.attention = SphereAttention(width, settings.heads)
        self.perceptron = nn.Sequential(
            nn.Linear(width, hidden), nn.SiLU(), nn.Dropout(settings.dropout), nn.Linear(hidden, width)
        )

    def forward(
        self, x: Float[Tensor, "batch token width"], embedding: Float[Tensor, "batch embedding"], layout: WindowLayout
    ) -> Float[Tensor, "batch token width"]:
        """Return the tokens plus the block's change.

        Args:
            x: The tokens of the map.
            embedding: Noise level and scalar conditions, embedded.
            layout: The windows that tokens attend in.
        """
        modulation = self.modulation(embedding)[:, None]
        shift, scale, gate, inner_shift, inner_scale, inner_gate = modulation.chunk(6, dim=-1)
        x = torch.addcmul(x, gate, self.attention(_modulated(x, shift, scale), layout))
        return torch.addcmul(x, inner_gate, self.perceptron(_modulated(x, inner_shift, inner_scale)))


class SphereDiT(nn.Module):
    """A transformer whose tokens carry their position on the sphere and their area, and attend across the poles.

    Maps that do not fill whole patches are extended, and the output is cut back.

    Args:
        interface: Inputs and outputs of the network.
        settings: Size of the network.

    Raises:
        ValueError: The settings do not fit the grid; names the setting.
    """

    def __init__(self, interface: NetworkInterface, settings: DiTSettings) -> None:
        super().__init__()
        patch, width, signs = settings.patch, settings.width, interface.polar_sign
        width_embedding = width // 2
        self.patching = Patching(interface.grid.shape, interface.grid.topology(), patch=patch)
        tokens = Tokens.of(interface.grid, self.patching)
        self.register_buffer("polar_sign", signs[:, None, None], persistent=False)
        self.register_buffer("features", tokens.features(), persistent=False)
        patch_sign = signs.repeat_interleave(patch * patch)[:, None, None]
        self.embedding = NoiseEmbedding(interface.scalars, width_embedding)
        self.entry = MapConvolution(patch_sign.shape[0], width, self.patching.inner, patch_sign)
        self.place_embedding = nn.Linear(tokens.features().shape[1], width)
        window = None if settings.window == "global" else settings.window
        head_width = width // settings.heads
        self.aligned = WindowLayout(tokens, window, shifted=False, head_width=head_width)
        shifted = window is not None
        self.shifted = WindowLayout(tokens, window, shifted=True, head_width=head_width) if shifted else self.aligned
        self.blocks = nn.ModuleList(TransformerBlock(settings, width_embedding) for _ in range(settings.depth))
        self.exit_modulation = _zeroed(nn.Linear(width_embedding, 2 * width))
        self.exit = MapConvolution(width, interface.outputs * patch * patch, self.patching.inner)
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
        patches = self.entry(self.patching.cut(x, self.get_buffer("polar_sign")))
        tokens = patches.permute(0, 2, 3, 1).flatten(1, 2)
        tokens = tokens + self.place_embedding(self.get_buffer("features")).to(tokens.dtype)
        for number, block in enumerate(self.blocks):
            tokens = block(tokens, embedding, self.shifted if number % 2 else self.aligned)
        shift, scale = self.exit_modulation(embedding)[:, None].chunk(2, dim=-1)
        tokens = _modulated(tokens, shift, scale)
        return self.patching.join(self.exit(tokens.unflatten(1, patches.shape[-2:]).permute(0, 3, 1, 2)))


def _modulated(
    x: Float[Tensor, "batch token width"], shift: Float[Tensor, "batch 1 width"], scale: Float[Tensor, "batch 1 width"]
) -> Float[Tensor, "batch token width"]:
    """Normalise tokens, then scale and shift them."""
    return torch.addcmul(shift, functional.layer_norm(x, x.shape[-1:]), 1 + scale)


def _zeroed(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
