"""Preconditioning: a denoiser made of a network, for every usual kind of network output.

An output F is a mixture p clean + q noise with factors that depend on sigma. As x = clean + sigma noise, the clean
state follows from any mixture: D(x, sigma) = (q x - sigma F) / (q - sigma p). The network's input is always scaled to
unit variance.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.paths import Mixture, Path, angular_velocity
from forecast.system.names import OutputName

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""Returns the expected clean state given x, (batch, channel, latitude, longitude), and sigma, (batch,)."""
Network = Callable[[Tensor, Tensor], Tensor]
"""Returns the raw output given x scaled to unit variance and the noise label ln(sigma) / 4, shapes as a denoiser."""
Output = Callable[[Tensor], Mixture]
"""Returns the mixture of clean state and noise that a network is trained to return at sigma."""


def edm_output(sigma: Tensor) -> Mixture:
    """Return the mixture that EDM's network returns, which is `v` with the opposite sign for data of unit variance.

    Args:
        sigma: Noise standard deviation; any shape.

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
    """Return an output by its name.

    Args:
        name: `edm`, `x0` (clean state), `eps` (noise), `v`, or `velocity`: that of the path, which is `eps` on `edm`,
            noise - clean on `flow`, and `v` on the others.
        path: The path of `velocity`.
    """
    return path.velocity if name == "velocity" else OUTPUTS[name]


def mix(
    output: Output,
    clean: Float[Tensor, "batch channel latitude longitude"],
    noise: Float[Tensor, "batch channel latitude longitude"],
    sigma: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channel latitude longitude"]:
    """Return the output of a network that knows the clean state and the noise exactly.

    Args:
        output: The mixture that the network returns.
        clean: Clean state.
        noise: Noise of unit variance, same shape.
        sigma: Noise standard deviation of each sample.
    """
    clean_share, noise_share = output(sigma[:, None, None, None])
    return clean_share * clean + noise_share * noise


def precondition(
    network: Network,
    x: Float[Tensor, "batch channel latitude longitude"],
    sigma: Float[Tensor, " batch"],
    output: Output = edm_output,
) -> Float[Tensor, "batch channel latitude longitude"]:
    """Return the expected clean state given a noisy one, for clean states of unit variance.

    Args:
        network: Called with x / sqrt(1 + sigma^2) and ln(sigma) / 4.
        x: Clean state plus noise of standard deviation `sigma`.
        sigma: Noise standard deviation of each sample, normalised units.
        output: The mixture that the network returns.

    Source: Karras et al. (2022), equation 7 and table 1 with sigma_data = 1, for any output
    """
    level = sigma[:, None, None, None]
    raw = network(x * (1.0 + level.square()).rsqrt(), sigma.log() / 4.0)
    clean_share, noise_share = output(level)
    return (noise_share * x - level * raw) / (noise_share - level * clean_share)


def output_weight(sigma: Float[Tensor, " batch"], output: Output = edm_output) -> Float[Tensor, " batch"]:
    """Return the factor that turns the squared denoising error into the squared error of a network output.

    With EDM's output, the loss is 1 at every noise level for a network that returns zero.

    Args:
        sigma: Noise standard deviation of each sample.
        output: The mixture that the network returns.

    Source: Karras et al. (2022), equation 8 and table 1 with sigma_data = 1; for any output, Kingma and Gao (2023),
        arXiv:2303.00848
    """
    clean_share, noise_share = output(sigma)
    return ((noise_share - sigma * clean_share) / sigma).square()


def min_snr_weight(sigma: Float[Tensor, " batch"], *, limit: float) -> Float[Tensor, " batch"]:
    """Return the signal-to-noise ratio 1 / sigma^2, limited from above.

    Args:
        sigma: Noise standard deviation of each sample.
        limit: Largest weight.

    Source: Hang et al. (2023), section 3.4, arXiv:2303.09556
    """
    return sigma.pow(-2.0).clamp_max(limit)
