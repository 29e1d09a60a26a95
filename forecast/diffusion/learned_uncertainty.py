"""Learned uncertainty: the loss of each channel and noise level is divided by its expected size."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

OCTAVES = 8
"""Number of frequencies of the Fourier features of ln(sigma)."""


class LogVariance(nn.Module):
    """The logarithm u of each channel's expected squared error, as a smooth function of the noise level.

    The u that minimises error / exp(u) + u is the logarithm of the expected error. All channels and noise levels then
    pull on the network equally strongly. It is used in training only.

    Args:
        channels: Number of channels.

    Source: Karras et al. (2024), equations 14 to 16, arXiv:2312.02696; Kendall and Gal (2017), arXiv:1703.04977
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("octaves", 2.0 ** torch.linspace(-2.0, 1.5, OCTAVES), persistent=False)
        self.layer = nn.Linear(2 * OCTAVES + 1, channels)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, sigma: Float[Tensor, " batch"]) -> Float[Tensor, "batch channel"]:
        """Return u of each sample and channel.

        Args:
            sigma: Noise standard deviation of each sample.
        """
        label = sigma.log()[:, None] / 4.0
        angles = label * self.get_buffer("octaves") * math.pi
        result: Tensor = self.layer(torch.cat([label, angles.sin(), angles.cos()], dim=1))
        return result
