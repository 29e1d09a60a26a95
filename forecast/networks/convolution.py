"""Convolutions that know how the edges of the map are joined."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from forecast.sphere.grid import Topology, pad

ODD_SHARE = 4
"""One in so many hidden channels changes sign across a pole, so that the network can carry vectors over it."""


def hidden_polar_sign(channels: int) -> Tensor:
    """+1 for most hidden channels and -1 for the last quarter."""
    sign = torch.ones(channels, 1, 1)
    sign[channels - channels // ODD_SHARE :] = -1.0
    return sign


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
