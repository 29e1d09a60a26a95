"""A loss that learns how large it is: each channel and noise level is weighed by its own expected error."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

OCTAVES = 8


class LogVariance(nn.Module):
    """ln of the expected squared error of each channel, as a smooth function of the noise level.

    Minimising error / exp(u) + u teaches u the logarithm of the error, and makes every channel and level pull with the
    same strength on the network. It is used in training only.

    Args:
        channels: Channels that have an error of their own.

    Source: Karras et al. (2024), equations 14 to 16, arXiv:2312.02696; Kendall and Gal (2017), arXiv:1703.04977
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("octaves", 2.0 ** torch.linspace(-2.0, 1.5, OCTAVES), persistent=False)
        self.layer = nn.Linear(2 * OCTAVES + 1, channels)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, sigma: Float[Tensor, " batch"]) -> Float[Tensor, "batch channel"]:
        """Return u of each sample and channel."""
        label = sigma.log()[:, None] / 4.0
        angles = label * self.get_buffer("octaves") * math.pi
        result: Tensor = self.layer(torch.cat([label, angles.sin(), angles.cos()], dim=1))
        return result
