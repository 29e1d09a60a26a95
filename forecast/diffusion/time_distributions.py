"""Distributions of the noise levels that training draws, as quantile functions.

A quantile function turns uniform numbers between 0 and 1, called chances, into noise levels. So all distributions are
sampled in the same stratified way, and chances can be moved towards noise levels whose loss is large.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.paths import Path

Quantiles = Callable[[Tensor], Tensor]
"""Returns the sigma below which a share `chance` of the distribution lies; (sample,) to (sample,)."""
Chances = Float[Tensor, " sample"]
Sigmas = Float[Tensor, " sample"]


def stratified_chances(count: int, generator: torch.Generator) -> Chances:
    """Draw uniform numbers between 0 and 1, one from each of `count` equal intervals, ascending.

    Each is uniform over the batch; stratification lowers the variance of the mean loss of a batch.

    Args:
        count: Number of samples.
        generator: Source of randomness.

    Source: Kingma et al. (2021), appendix I.1, arXiv:2107.00630
    """
    chances = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    return chances.clamp(1e-6, 1.0 - 1e-6)


def log_normal(chances: Chances, *, mean: float, std: float) -> Sigmas:
    """Return sigmas whose logarithm is normally distributed.

    Args:
        chances: Uniform numbers between 0 and 1.
        mean: Mean of ln(sigma).
        std: Standard deviation of ln(sigma).

    Source: Karras et al. (2022), table 1, arXiv:2206.00364
    """
    return torch.exp(mean + std * torch.special.ndtri(chances))


def logit_normal(chances: Chances, *, mean: float, std: float) -> Sigmas:
    """Return sigmas for which the logit of flow matching's time t = sigma / (1 + sigma) is normally distributed.

    That logit is ln(sigma), so the distribution is that of `log_normal`.

    Args:
        chances: Uniform numbers between 0 and 1.
        mean: Mean of the logit.
        std: Standard deviation of the logit.

    Source: Esser et al. (2024), equation 19, arXiv:2403.03206
    """
    time = torch.sigmoid(mean + std * torch.special.ndtri(chances))
    return time / (1.0 - time)


def log_uniform(chances: Chances, *, sigma_min: float, sigma_max: float) -> Sigmas:
    """Return sigmas whose logarithm is uniformly distributed.

    Args:
        chances: Uniform numbers between 0 and 1.
        sigma_min: Smallest sigma.
        sigma_max: Largest sigma.
    """
    sigmas: Tensor = sigma_min * (sigma_max / sigma_min) ** chances
    return sigmas


def rho_uniform(chances: Chances, *, sigma_min: float, sigma_max: float, rho: float) -> Sigmas:
    """Return sigmas for which sigma^(1/rho) is uniform, as a sampler with the `rho` schedule visits them.

    Args:
        chances: Uniform numbers between 0 and 1.
        sigma_min: Smallest sigma.
        sigma_max: Largest sigma.
        rho: Larger values give more small sigmas.

    Source: Karras et al. (2022), equation 5; as a training distribution, Price et al. (2024), arXiv:2312.15796
    """
    low, high = float(sigma_min ** (1.0 / rho)), float(sigma_max ** (1.0 / rho))
    return (low + chances * (high - low)).pow(rho)


def path_uniform(chances: Chances, *, path: Path, sigma_min: float, sigma_max: float) -> Sigmas:
    """Return sigmas at uniform times of a path, as training with a beta schedule or flow matching draws them.

    Args:
        chances: Uniform numbers between 0 and 1.
        path: The map between time and sigma.
        sigma_min: Smallest sigma.
        sigma_max: Largest sigma.
    """
    low, high = path.time(torch.tensor([sigma_min, sigma_max], dtype=torch.float64, device=chances.device))
    return path.sigma(low + chances.double() * (high - low)).to(chances.dtype)
