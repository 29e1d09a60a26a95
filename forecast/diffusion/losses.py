"""What training minimises."""

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
    """Weighted squared error of the denoised state, one value a sample and channel.

    Args:
        denoiser: Expected clean state given (noisy state, sigma).
        clean: Samples of unit variance.
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
    """Mean squared error of the denoised state at each of some noise levels, on the same samples and noise.

    Args:
        denoiser: Expected clean state given (noisy state, sigma).
        clean: Samples of unit variance.
        noise: Standard normal.
        weights: Area weights, mean 1 in each channel.
        sigmas: Noise standard deviations.
    """
    levels = [sigma.expand(clean.shape[0]) for sigma in sigmas]
    return torch.stack([squared_error(denoiser, clean, level, noise, weights).mean(dim=0) for level in levels])


def almost_fair_crps(
    members: Float[Tensor, "member ..."],
    analysis: Float[Tensor, "..."],
    *,
    fairness: float,
) -> Float[Tensor, "..."]:
    """Continuous ranked probability score of each value, between its plain (`fairness` 0) and its fair (1) estimator.

    The fair score of two members is degenerate: where one of them equals the analysis, the other may lie anywhere. A
    little of the plain one mends that.

    Args:
        members: At least two; same units as `analysis`.
        analysis: What came.
        fairness: From 0 to 1.

    Source: Lang et al. (2024), equation 4, arXiv:2412.15832; Ferro (2014), doi:10.1002/qj.2270
    """
    count = members.shape[0]
    error = (members - analysis).abs().mean(dim=0)
    pairs = sum((members[i] - members[:i]).abs().sum(dim=0) for i in range(1, count))
    fair_share = fairness + (1.0 - fairness) * (count - 1) / count
    return error - fair_share * pairs / (count * (count - 1))
