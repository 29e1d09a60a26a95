"""Convolutions that pad a map with the values across its edges on the sphere."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from forecast.parallel.bands import WHOLE, Bands
from forecast.sphere.grid import Topology, beyond_latitudes, pad_longitudes

ODD_SHARE = 4
"""One in this many hidden channels changes sign across a pole, so that the network can carry vectors over it."""


def hidden_polar_sign(channels: int) -> Float[Tensor, "channel 1 1"]:
    """Return -1 for the last quarter of the hidden channels, which change sign across a pole, and +1 for the others.

    Args:
        channels: Number of hidden channels.
    """
    sign = torch.ones(channels, 1, 1)
    sign[channels - channels // ODD_SHARE :] = -1.0
    return sign


class MapConvolution(nn.Module):
    """A 3x3 convolution that keeps the size of the map.

    Args:
        inputs: Number of input maps.
        outputs: Number of output maps.
        topology: How the edges of the map are joined.
        polar_sign: -1 for input maps that change sign across a pole, +1 for the others. None for hidden channels.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        topology: Topology,
        polar_sign: Float[Tensor, "inputs 1 1"] | None = None,
    ) -> None:
        super().__init__()
        self.topology = topology
        self.bands: Bands = WHOLE
        self.convolution = nn.Conv2d(inputs, outputs, kernel_size=3)
        sign = hidden_polar_sign(inputs) if polar_sign is None else polar_sign
        self.register_buffer("polar_sign", sign, persistent=False)

    def forward(
        self, x: Float[Tensor, "batch inputs latitude longitude"]
    ) -> Float[Tensor, "batch outputs latitude longitude"]:
        """Convolve maps.

        Args:
            x: The input maps, or this band's rows of them.
        """
        across = beyond_latitudes(x, 1, self.topology, self.get_buffer("polar_sign"))
        south, north = self.bands.beyond(x, *across)
        result: Tensor = self.convolution(pad_longitudes(torch.cat([south, x, north], dim=-2), 1, self.topology))
        return result
