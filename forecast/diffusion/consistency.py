"""Consistency distillation: a network learns to return, from any noise level, its teacher's finished sample."""

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.preconditioning import Denoiser, output_weight


def consistency_loss(
    student: Denoiser,
    teacher: Denoiser,
    clean: Float[Tensor, "batch channel latitude longitude"],
    noise: Float[Tensor, "batch channel latitude longitude"],
    levels: tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]],
    weights: Float[Tensor, "channel latitude #longitude"],
) -> Float[Tensor, " batch"]:
    """Return the squared difference between the student's samples from two neighbouring points of one trajectory.

    The trajectory is the teacher's probability flow. Only the sample from the noisier point is differentiated; at sigma
    0 the point itself is the sample. The loss is weighted by EDM's weight, so that all noise levels count alike.

    Args:
        student: Returns a sample given (x, sigma).
        teacher: Returns the expected clean state given (x, sigma).
        clean: Clean states of unit variance.
        noise: Standard normal.
        levels: Noise level of each sample, and the next lower one, which may be 0.
        weights: Area and channel weights, mean 1.

    Returns:
        The loss of each sample.

    Source: Song et al. (2023), algorithm 2 with Heun's method and a squared distance, arXiv:2303.01469; without a
        moving average of the target, as in Song and Dhariwal (2024), arXiv:2310.14189
    """
    sigma, next_sigma = levels
    x = clean + sigma[:, None, None, None] * noise
    with torch.no_grad():
        closer = heun_between(teacher, x, sigma, next_sigma)
        ended = (next_sigma == 0.0)[:, None, None, None]
        target = torch.where(ended, closer, student(closer, torch.where(next_sigma == 0.0, sigma, next_sigma)))
    error = (student(x, sigma) - target).square()
    return output_weight(sigma) * (error * weights).mean(dim=(1, 2, 3))


def heun_between(
    denoiser: Denoiser,
    x: Float[Tensor, "batch channel latitude longitude"],
    sigma: Float[Tensor, " batch"],
    next_sigma: Float[Tensor, " batch"],
) -> Float[Tensor, "batch channel latitude longitude"]:
    """Take one step of Heun's method along the probability flow, or of Euler's method where it ends at zero.

    Args:
        denoiser: Returns the expected clean state given (x, sigma).
        x: Noisy states.
        sigma: Noise level of each sample.
        next_sigma: Noise level that each sample is taken to.

    Source: Karras et al. (2022), algorithm 1, arXiv:2206.00364
    """
    start, end = sigma[:, None, None, None], next_sigma[:, None, None, None]
    slope = (x - denoiser(x, sigma)) / start
    predicted = x + (end - start) * slope
    above = torch.where(end == 0.0, start, end)
    next_slope = (predicted - denoiser(predicted, above[:, 0, 0, 0])) / above
    corrected: Tensor = x + (end - start) * 0.5 * (slope + next_slope)
    return torch.where(end == 0.0, predicted, corrected)
