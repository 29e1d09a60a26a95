"""Which noise levels a sampler visits, and which ones training sees."""

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.paths import Path


def rho_schedule(
    sampling_steps: int, *, sigma_min: float, sigma_max: float, rho: float
) -> Float[Tensor, " sampling_step"]:
    """Noise levels from `sigma_max` down to `sigma_min` and then 0, evenly spaced in sigma^(1/rho).

    Args:
        sampling_steps: Noise levels above zero, at least 1.
        sigma_min: Smallest level above zero, normalised units.
        sigma_max: First level.
        rho: 1 spaces evenly; larger values put more levels near zero.

    Returns:
        `sampling_steps + 1` descending levels in float64, the last one zero.

    Source: Karras et al. (2022), equation 5, arXiv:2206.00364
    """
    ramp = torch.linspace(0.0, 1.0, sampling_steps, dtype=torch.float64)
    levels = (sigma_max ** (1 / rho) + ramp * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))) ** rho
    return torch.cat([levels, levels.new_zeros(1)])


def path_schedule(
    sampling_steps: int, *, path: Path, sigma_min: float, sigma_max: float
) -> Float[Tensor, " sampling_step"]:
    """Noise levels from `sigma_max` down to `sigma_min` and then 0, evenly spaced in the time of a path.

    Args:
        sampling_steps: Noise levels above zero, at least 1.
        path: Whose clock.
        sigma_min: Smallest level above zero, normalised units.
        sigma_max: First level.

    Returns:
        `sampling_steps + 1` descending levels in float64, the last one zero.
    """
    start, end = path.time(torch.tensor([sigma_max, sigma_min], dtype=torch.float64))
    levels = path.sigma(torch.linspace(0.0, 1.0, sampling_steps, dtype=torch.float64) * (end - start) + start)
    return torch.cat([levels, levels.new_zeros(1)])


def log_normal_sigmas(count: int, generator: torch.Generator, *, mean: float, std: float) -> Float[Tensor, " sample"]:
    """Noise levels for training, ln(sigma) normal, one from each of `count` equally likely strata.

    Stratifying leaves each level's distribution as it is and lowers the variance of the loss over a batch.

    Source: Karras et al. (2022), table 1; strata as in Kingma et al. (2021), appendix I.1, arXiv:2107.00630
    """
    uniform = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    normal = torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))
    return torch.exp(mean + std * normal)
