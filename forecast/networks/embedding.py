"""The noise level and the scalar conditions as one vector, which modulates a network."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

FREQUENCIES = 16
"""Number of Fourier features of the noise label, each a sine and a cosine."""


class NoiseEmbedding(nn.Module):
    """Embeds the noise level and the scalar conditions in one vector.

    Args:
        scalars: Number of scalar conditions.
        width: Length of the vector.

    Source: Fourier features, Tancik et al. (2020), arXiv:2006.10739
    """

    def __init__(self, scalars: int, width: int) -> None:
        super().__init__()
        octaves = 2.0 ** torch.linspace(-2.0, 4.0, FREQUENCIES)
        self.register_buffer("octaves", octaves, persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(2 * FREQUENCIES + scalars, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )

    def forward(
        self, noise_label: Float[Tensor, " batch"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch width"]:
        """Embed noise levels and scalar conditions.

        Args:
            noise_label: ln(sigma) / 4 of each sample.
            scalars: Scalar conditions of each sample.
        """
        angles = noise_label[:, None] * self.get_buffer("octaves") * math.pi
        result: Tensor = self.layers(torch.cat([angles.sin(), angles.cos(), scalars], dim=1))
        return result


def widen_scalars(
    weight: Float[Tensor, "width narrow_inputs"], *, known: int, wanted: int
) -> Float[Tensor, "width wide_inputs"]:
    """Return the first weight of a `NoiseEmbedding` extended by scalar conditions that it ignores.

    Args:
        weight: First weight of an embedding that was trained with `known` scalar conditions, its last columns.
        known: Number of scalar conditions that it was trained with.
        wanted: Number of scalar conditions of the result; the first `known` of them are those it was trained with.
    """
    return torch.cat([weight, weight.new_zeros(weight.shape[0], wanted - known)], dim=1)
