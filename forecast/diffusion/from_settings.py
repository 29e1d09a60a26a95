"""Build what trains and uses a denoiser from the sections of a system file."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from forecast.diffusion.denoising_loss import DenoisingLoss, Weight
from forecast.diffusion.paths import PATHS
from forecast.diffusion.preconditioning import Denoiser, Output, min_snr_weight, output_of, output_weight
from forecast.diffusion.samplers import Churn, run_sampler
from forecast.diffusion.schedules import path_schedule, rho_schedule
from forecast.diffusion.time_distributions import (
    Quantiles,
    log_normal,
    log_uniform,
    logit_normal,
    path_uniform,
    rho_uniform,
)
from forecast.sphere.grid import Grid
from forecast.sphere.noise import SphereNoise
from forecast.system.diffusion import Diffusion, Sampler


def network_output(options: Diffusion) -> Output:
    """Return the mixture of clean state and noise that the network is trained to return.

    Args:
        options: The diffusion section.
    """
    return output_of(options.output, PATHS[options.path])


def denoising_loss(options: Diffusion, channels: int) -> DenoisingLoss:
    """Return the denoising loss: which noise levels training draws, and how much each counts.

    Args:
        options: The diffusion section.
        channels: Number of channels of a state.
    """
    return DenoisingLoss(
        _quantiles(options),
        _weight(options),
        adaptive=options.adaptive,
        uncertain_channels=channels if options.weight == "learned" else 0,
    )


def noise_map(options: Diffusion, grid: Grid, channels: int) -> SphereNoise | nn.Identity:
    """Return the module that turns white noise into the noise of the diffusion.

    Args:
        options: The diffusion section.
        grid: The grid of the states.
        channels: Number of channels of a state.

    Raises:
        ValueError: The noise cannot be made on the grid, which is a region.
    """
    if options.noise == "white":
        return nn.Identity()
    if not grid.topology().is_globe:
        raise ValueError(f"noise: expected 'white' on a region, which has no isotropic noise, found '{options.noise}'")
    return SphereNoise(grid, channels, fitted=options.noise == "residual")


def _quantiles(options: Diffusion) -> Quantiles:
    low, high = options.sigma_min, options.sigma_max
    match options.time_distribution:
        case "log-normal":
            return partial(log_normal, mean=options.log_sigma_mean, std=options.log_sigma_std)
        case "logit-normal":
            return partial(logit_normal, mean=options.log_sigma_mean, std=options.log_sigma_std)
        case "log-uniform":
            return partial(log_uniform, sigma_min=low, sigma_max=high)
        case "rho-uniform":
            return partial(rho_uniform, sigma_min=low, sigma_max=high, rho=options.rho)
        case "path-uniform":
            return partial(path_uniform, path=PATHS[options.path], sigma_min=low, sigma_max=high)


def _weight(options: Diffusion) -> Weight:
    match options.weight:
        case "min-snr":
            return partial(min_snr_weight, limit=options.snr_limit)
        case "velocity":
            return partial(output_weight, output=PATHS[options.path].velocity)
        case "edm" | "learned":
            return output_weight


def sampling_levels(options: Sampler) -> Float[Tensor, " sampling_step"]:
    """Return the noise levels that a sampler visits.

    Args:
        options: The sampler section.

    Returns:
        `sampling_steps + 1` descending noise standard deviations, float64; the last one is zero.
    """
    if options.levels:
        return torch.tensor([*options.levels, 0.0], dtype=torch.float64)
    count, low, high = options.sampling_steps, options.sigma_min, options.sigma_max
    if options.schedule == "rho":
        return rho_schedule(count, sigma_min=low, sigma_max=high, rho=options.rho)
    return path_schedule(count, path=PATHS[options.schedule], sigma_min=low, sigma_max=high)


def draw_sample(
    options: Sampler, denoiser: Denoiser, noise: Callable[[int], Tensor]
) -> Float[Tensor, "batch channel latitude longitude"]:
    """Turn noise into a sample; differentiable.

    Args:
        options: The sampler section.
        denoiser: Returns the expected clean state given (x, sigma).
        noise: Returns the standard normal noise of a draw. Draw 0 starts the sampler; draws 1, 2, ... are for the
            sampling steps that add noise.
    """
    sigmas = sampling_levels(options)

    def inflated(draw: int) -> Tensor:
        return noise(draw) * options.noise_inflation

    start = inflated(0) * float(sigmas[0])
    churn = Churn(options.churn, options.churn_sigma_min, options.churn_sigma_max)
    return run_sampler(options.kind, denoiser, start, sigmas, noise=inflated, churn=churn)
