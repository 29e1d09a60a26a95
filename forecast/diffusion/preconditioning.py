"""A network made into a denoiser whose inputs, outputs and targets all have unit variance."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(x, sigma) to the expected clean state: (batch, channel, latitude, longitude), (batch,) to the shape of x."""

Network = Callable[[Tensor, Tensor], Tensor]
"""(scaled x, noise label) to the network's raw output, shapes as for a denoiser."""


def precondition(
    network: Network, x: Float[Tensor, "batch channel latitude longitude"], sigma: Float[Tensor, " batch"]
) -> Float[Tensor, "batch channel latitude longitude"]:
    """Expected clean state given a noisy one, for clean states of unit variance.

    D(x, sigma) = c_skip x + c_out F(c_in x, ln(sigma) / 4).

    Args:
        network: Called with unit-variance input.
        x: Clean state plus noise of standard deviation `sigma`.
        sigma: Noise standard deviation, normalised units.

    Source: Karras et al. (2022), table 1 with sigma_data = 1, arXiv:2206.00364
    """
    level = sigma[:, None, None, None]
    total = level.square() + 1.0
    return x / total + level / total.sqrt() * network(x / total.sqrt(), sigma.log() / 4.0)


def loss_weight(sigma: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """Weight of the squared denoising error that gives every noise level unit loss at the start of training.

    Source: Karras et al. (2022), table 1 with sigma_data = 1
    """
    return (sigma.square() + 1.0) / sigma.square()
