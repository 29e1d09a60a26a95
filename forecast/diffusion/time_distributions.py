"""Which noise levels training draws: functions from even chances to sigmas.

A distribution is its quantile function, so that all of them are drawn in the same stratified way, and can be bent
towards the levels whose loss is large (`forecast.diffusion.adaptive`).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.paths import Path

Quantiles = Callable[[Tensor], Tensor]
"""Chance between 0 and 1 to the sigma that is larger with that chance: (sample,) to (sample,)."""
Chances = Float[Tensor, " sample"]
Sigmas = Float[Tensor, " sample"]


def stratified_chances(count: int, generator: torch.Generator) -> Chances:
    """Numbers between 0 and 1, one from each of `count` equal parts.

    Stratifying leaves each level's distribution as it is and lowers the variance of the loss over a batch.

    Source: Kingma et al. (2021), appendix I.1, arXiv:2107.00630
    """
    chances = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    return chances.clamp(1e-6, 1.0 - 1e-6)


def log_normal(chances: Chances, *, mean: float, std: float) -> Sigmas:
    """ln(sigma) is normal.

    Source: Karras et al. (2022), table 1, arXiv:2206.00364
    """
    return torch.exp(mean + std * torch.special.ndtri(chances))


def logit_normal(chances: Chances, *, mean: float, std: float) -> Sigmas:
    """The logit of flow matching's t = sigma / (1 + sigma) is normal; since it is ln(sigma), this is `log_normal`.

    Source: Esser et al. (2024), equation 19, arXiv:2403.03206
    """
    time = torch.sigmoid(mean + std * torch.special.ndtri(chances))
    return time / (1.0 - time)


def log_uniform(chances: Chances, *, sigma_min: float, sigma_max: float) -> Sigmas:
    """Every octave of sigma is as likely as any other."""
    sigmas: Tensor = sigma_min * (sigma_max / sigma_min) ** chances
    return sigmas


def rho_uniform(chances: Chances, *, sigma_min: float, sigma_max: float, rho: float) -> Sigmas:
    """sigma^(1/rho) is uniform: training sees what a sampler with that schedule visits.

    Source: Karras et al. (2022), equation 5; as a training distribution, Price et al. (2024), arXiv:2312.15796
    """
    low, high = float(sigma_min ** (1.0 / rho)), float(sigma_max ** (1.0 / rho))
    return (low + chances * (high - low)).pow(rho)


def path_uniform(chances: Chances, *, path: Path, sigma_min: float, sigma_max: float) -> Sigmas:
    """The time of a path is uniform: what training with a beta schedule, or plain flow matching, draws."""
    low, high = path.time(torch.tensor([sigma_min, sigma_max], dtype=torch.float64, device=chances.device))
    return path.sigma(low + chances.double() * (high - low)).to(chances.dtype)
