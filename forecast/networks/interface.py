"""What every kind of network is joined to."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from forecast.sphere.grid import Grid


@dataclass(frozen=True)
class Ports:
    """Inputs and outputs of a network, whatever its kind.

    A network is called as `network(x, noise_label, scalars)`, with shapes (batch, inputs, latitude, longitude),
    (batch,) and (batch, scalars), and returns (batch, outputs, latitude, longitude).

    Attributes:
        grid: Where the maps lie.
        polar_sign: +1 or -1 per input map: what a component of a vector becomes beyond a pole.
        outputs: Maps returned.
        scalars: Scalar conditions.
    """

    grid: Grid
    polar_sign: Float[Tensor, " inputs"]
    outputs: int
    scalars: int
