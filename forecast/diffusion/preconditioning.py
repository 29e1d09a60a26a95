"""A network made into a denoiser, whatever it returns.

Each usual output is a mixture p clean + q noise whose shares depend on sigma. Since x = clean + sigma noise, every
mixture gives the clean state: D(x, sigma) = (q x - sigma F) / (q - sigma p), with F the output. The input always has
unit variance.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.paths import Mixture, Path, angular_velocity
from forecast.system.names import OutputName

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(x, sigma) to the expected clean state: (batch, channel, latitude, longitude), (batch,) to the shape of x."""
Network = Callable[[Tensor, Tensor], Tensor]
"""(scaled x, noise label) to the network's raw output, shapes as for a denoiser."""
Output = Callable[[Tensor], Mixture]
"""sigma to the shares of clean state and noise in what the network returns."""


def edm_output(sigma: Tensor) -> Mixture:
    """Shares in the output of EDM: with data of unit variance it is `v` with the opposite sign.

    Source: Karras et al. (2022), equation 7 with sigma_data = 1, arXiv:2206.00364
    """
    clean, noise = angular_velocity(sigma)
    return -clean, -noise


def _clean(sigma: Tensor) -> Mixture:
    return torch.ones_like(sigma), torch.zeros_like(sigma)


def _noise(sigma: Tensor) -> Mixture:
    return torch.zeros_like(sigma), torch.ones_like(sigma)


OUTPUTS: Mapping[str, Output] = {"edm": edm_output, "x0": _clean, "eps": _noise, "v": angular_velocity}


def output_of(name: OutputName, path: Path) -> Output:
    """Shares in an output; `velocity` is that of the path: `eps` on `edm`, noise - clean on `flow`, else `v`."""
    return path.velocity if name == "velocity" else OUTPUTS[name]


def mix(output: Output, clean: Tensor, noise: Tensor, sigma: Float[Tensor, " batch"]) -> Tensor:
    """What a perfect network returns if it knows the clean state and the noise: the shape of both."""
    clean_share, noise_share = output(sigma[:, None, None, None])
    return clean_share * clean + noise_share * noise


def precondition(
    network: Network,
    x: Float[Tensor, "batch channel latitude longitude"],
    sigma: Float[Tensor, " batch"],
    output: Output = edm_output,
) -> Float[Tensor, "batch channel latitude longitude"]:
    """Expected clean state given a noisy one, for clean states of unit variance.

    Args:
        network: Called with x / sqrt(1 + sigma^2) and ln(sigma) / 4.
        x: Clean state plus noise of standard deviation `sigma`.
        sigma: Noise standard deviation, normalised units.
        output: What the network returns.

    Source: Karras et al. (2022), equation 7 and table 1 with sigma_data = 1, for any output
    """
    level = sigma[:, None, None, None]
    raw = network(x * (1.0 + level.square()).rsqrt(), sigma.log() / 4.0)
    clean_share, noise_share = output(level)
    return (noise_share * x - level * raw) / (noise_share - level * clean_share)


def output_weight(sigma: Float[Tensor, " batch"], output: Output = edm_output) -> Float[Tensor, " batch"]:
    """Weight of the squared denoising error that makes it the squared error of an output.

    With EDM's output every noise level has unit loss as long as the network returns nothing.

    Source: Karras et al. (2022), equation 8 and table 1 with sigma_data = 1; for any output, Kingma and Gao (2023),
        arXiv:2303.00848
    """
    clean_share, noise_share = output(sigma)
    return ((noise_share - sigma * clean_share) / sigma).square()


def min_snr_weight(sigma: Float[Tensor, " batch"], *, limit: float = 5.0) -> Float[Tensor, " batch"]:
    """Signal-to-noise ratio 1 / sigma^2, but no more than `limit`.

    Source: Hang et al. (2023), section 3.4, arXiv:2303.09556
    """
    return sigma.pow(-2.0).clamp_max(limit)
