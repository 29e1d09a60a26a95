"""Schedules: the noise levels that a sampler visits."""

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.paths import Path


def rho_schedule(
    sampling_steps: int, *, sigma_min: float, sigma_max: float, rho: float
) -> Float[Tensor, " sampling_step"]:
    """Return noise levels from `sigma_max` down to `sigma_min`, then 0, evenly spaced in sigma^(1/rho).

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
    """Return noise levels from `sigma_max` down to `sigma_min`, then 0, evenly spaced in the time of a path.

    Args:
        sampling_steps: Noise levels above zero, at least 1.
        path: The map between time and sigma.
        sigma_min: Smallest level above zero, normalised units.
        sigma_max: First level.

    Returns:
        `sampling_steps + 1` descending levels in float64, the last one zero.
    """
    start, end = path.time(torch.tensor([sigma_max, sigma_min], dtype=torch.float64))
    levels = path.sigma(torch.linspace(0.0, 1.0, sampling_steps, dtype=torch.float64) * (end - start) + start)
    return torch.cat([levels, levels.new_zeros(1)])
