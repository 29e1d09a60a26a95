"""Samplers: plain functions that turn noise into a sample by following the probability-flow equation.

dx/dsigma = (x - D(x, sigma)) / sigma (Karras et al. 2022, equation 3, arXiv:2206.00364).
"""

import itertools
from collections.abc import Callable, Mapping

from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.preconditioning import Denoiser

Sampler = Callable[[Denoiser, Tensor, Tensor], Tensor]


def euler(
    denoiser: Denoiser,
    x: Float[Tensor, "batch channel latitude longitude"],
    sigmas: Float[Tensor, " sampling_step"],
) -> Float[Tensor, "batch channel latitude longitude"]:
    """First-order sampler; one evaluation a sampling step.

    Args:
        denoiser: Expected clean state given (x, sigma).
        x: Noise of standard deviation `sigmas[0]`.
        sigmas: Descending noise levels, the last one zero.
    """
    levels = sigmas.tolist()
    for sigma, next_sigma in itertools.pairwise(levels):
        slope = (x - denoiser(x, x.new_full((x.shape[0],), sigma))) / sigma
        x = x + (next_sigma - sigma) * slope
    return x


def heun(
    denoiser: Denoiser,
    x: Float[Tensor, "batch channel latitude longitude"],
    sigmas: Float[Tensor, " sampling_step"],
) -> Float[Tensor, "batch channel latitude longitude"]:
    """Second-order sampler; two evaluations a sampling step and one in the last.

    Args:
        denoiser: Expected clean state given (x, sigma).
        x: Noise of standard deviation `sigmas[0]`.
        sigmas: Descending noise levels, the last one zero.

    Source: Karras et al. (2022), algorithm 1
    """
    levels = sigmas.tolist()
    for sigma, next_sigma in itertools.pairwise(levels):
        slope = (x - denoiser(x, x.new_full((x.shape[0],), sigma))) / sigma
        predicted: Tensor = x + (next_sigma - sigma) * slope
        if next_sigma == 0.0:
            return predicted
        next_slope = (predicted - denoiser(predicted, x.new_full((x.shape[0],), next_sigma))) / next_sigma
        x = x + (next_sigma - sigma) * 0.5 * (slope + next_slope)
    return x


SAMPLERS: Mapping[str, Sampler] = {"euler": euler, "heun": heun}
