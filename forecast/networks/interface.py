"""The inputs and outputs that every kind of network has."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from forecast.sphere.grid import Grid


@dataclass(frozen=True)
class NetworkInterface:
    """Inputs and outputs of a network of any kind.

    A network is called as `network(x, noise_label, scalars)`, with shapes (batch, inputs, latitude, longitude),
    (batch,) and (batch, scalars), and returns (batch, outputs, latitude, longitude). The noise label is ln(sigma) / 4.

    Attributes:
        grid: The grid of the maps.
        polar_sign: For each input map: -1 if it changes sign across a pole, as components of vectors do, else +1.
        outputs: Number of maps returned.
        scalars: Number of scalar conditions.
    """

    grid: Grid
    polar_sign: Float[Tensor, " inputs"]
    outputs: int
    scalars: int
