"""The noise level and the scalar conditions as one vector that modulates a network."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


class NoiseEmbedding(nn.Module):
    """The noise level and the scalar conditions as one vector (Fourier features, Tancik et al. 2020)."""

    def __init__(self, scalars: int, width: int, frequencies: int = 16) -> None:
        super().__init__()
        octaves = 2.0 ** torch.linspace(-2.0, 4.0, frequencies)
        self.register_buffer("octaves", octaves, persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(2 * frequencies + scalars, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )

    def forward(self, noise_label: Float[Tensor, " batch"], scalars: Float[Tensor, "batch scalar"]) -> Tensor:
        """Embed; returns (batch, width)."""
        angles = noise_label[:, None] * self.get_buffer("octaves") * math.pi
        result: Tensor = self.layers(torch.cat([angles.sin(), angles.cos(), scalars], dim=1))
        return result


def widen_scalars(
    weight: Float[Tensor, "width narrow_inputs"], *, known: int, wanted: int
) -> Float[Tensor, "width wide_inputs"]:
    """First weight of a `NoiseEmbedding` that knew fewer scalar conditions, made to ignore the new ones.

    Args:
        weight: The scalars are its last columns.
        known: Scalars it was trained with.
        wanted: Scalars it shall take; the first `known` of them mean what they meant.
    """
    return torch.cat([weight, weight.new_zeros(weight.shape[0], wanted - known)], dim=1)
