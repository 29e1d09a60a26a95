"""Losses of training: the denoising error, and the CRPS of an ensemble."""

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.preconditioning import Denoiser


def squared_error(
    denoiser: Denoiser,
    clean: Float[Tensor, "batch channel latitude longitude"],
    sigma: Float[Tensor, " batch"],
    noise: Float[Tensor, "batch channel latitude longitude"],
    weights: Float[Tensor, "channel latitude #longitude"],
) -> Float[Tensor, "batch channel"]:
    """Return the weighted squared error of the denoised state of each sample and channel.

    Args:
        denoiser: Returns the expected clean state given (x, sigma).
        clean: Clean states of unit variance.
        sigma: Noise standard deviation of each sample.
        noise: Standard normal.
        weights: Area and channel weights, mean 1.

    Source: Karras et al. (2022), equation 2, arXiv:2206.00364
    """
    noisy = clean + sigma[:, None, None, None] * noise
    error = (denoiser(noisy, sigma) - clean).square()
    return (error * weights).mean(dim=(2, 3))


def error_by_noise_level(
    denoiser: Denoiser,
    clean: Float[Tensor, "batch channel latitude longitude"],
    noise: Float[Tensor, "batch channel latitude longitude"],
    weights: Float[Tensor, "channel latitude #longitude"],
    sigmas: Float[Tensor, " level"],
) -> Float[Tensor, "level channel"]:
    """Return the mean squared error of the denoised state at several noise levels, with the same samples and noise.

    Args:
        denoiser: Returns the expected clean state given (x, sigma).
        clean: Clean states of unit variance.
        noise: Standard normal.
        weights: Area weights, mean 1 in each channel.
        sigmas: Noise standard deviations.
    """
    levels = [sigma.expand(clean.shape[0]) for sigma in sigmas]
    return torch.stack([squared_error(denoiser, clean, level, noise, weights).mean(dim=0) for level in levels])


def almost_fair_crps(
    members: Float[Tensor, "member ..."], analysis: Float[Tensor, "..."], *, fairness: float
) -> Float[Tensor, "..."]:
    """Return the continuous ranked probability score of each value, a mixture of its fair and its plain estimator.

    The fair score of two members is degenerate: where one of them equals the analysis, the score does not depend on the
    other. A small share of the plain score removes the degeneracy.

    Args:
        members: At least two members; same units as `analysis`.
        analysis: The analysis that verifies them.
        fairness: Share of the fair estimator, from 0 to 1.

    Returns:
        Scores of the shape and units of `analysis`; smaller is better.

    Source: Lang et al. (2024), equation 4, arXiv:2412.15832; Ferro (2014), doi:10.1002/qj.2270
    """
    count = members.shape[0]
    error = (members - analysis).abs().mean(dim=0)
    pairs = sum((members[i] - members[:i]).abs().sum(dim=0) for i in range(1, count))
    fair_share = fairness + (1.0 - fairness) * (count - 1) / count
    return error - fair_share * pairs / (count * (count - 1))
