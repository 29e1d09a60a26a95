"""From the words of the system file to what trains and uses a denoiser."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

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
from forecast.system.diffusion import Diffusion, Sampler


def network_output(options: Diffusion) -> Output:
    """What the network returns."""
    return output_of(options.output, PATHS[options.path])


def denoising_loss(options: Diffusion, channels: int) -> DenoisingLoss:
    """What the denoiser is taught."""
    return DenoisingLoss(
        _quantiles(options),
        _weight(options),
        adaptive=options.adaptive,
        uncertain_channels=channels if options.weight == "learned" else 0,
    )


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
    """Noise levels that a sampler visits: descending, float64, the last one zero."""
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
        options: How.
        denoiser: Expected clean state given (x, sigma).
        noise: Draw to standard normal noise: draw 0 is the start, further ones count up where the sampler wants more.
    """
    sigmas = sampling_levels(options)

    def inflated(draw: int) -> Tensor:
        return noise(draw) * options.noise_inflation

    start = inflated(0) * float(sigmas[0])
    churn = Churn(options.churn, options.churn_sigma_min, options.churn_sigma_max)
    return run_sampler(options.kind, denoiser, start, sigmas, noise=inflated, churn=churn)
