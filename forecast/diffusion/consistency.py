"""A network taught to give, from any noise level, the sample that its teacher's sampler would end at."""

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
    """Squared difference of the student's samples from two neighbouring points of its teacher's probability flow.

    Only the farther point is differentiated; at sigma 0 the point itself is the sample. The weight is EDM's, so that
    all noise levels pull alike.

    Args:
        student: A sample given (x, sigma).
        teacher: Expected clean state given (x, sigma).
        clean: Samples of unit variance.
        noise: Standard normal.
        levels: Noise level of each sample, and the next lower one.
        weights: Area and channel weights, mean 1.

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
    """One step of Heun's method, Euler's where it ends at zero, from a noise level of its own for each sample.

    Source: Karras et al. (2022), algorithm 1, arXiv:2206.00364
    """
    start, end = sigma[:, None, None, None], next_sigma[:, None, None, None]
    slope = (x - denoiser(x, sigma)) / start
    predicted = x + (end - start) * slope
    above = torch.where(end == 0.0, start, end)
    next_slope = (predicted - denoiser(predicted, above[:, 0, 0, 0])) / above
    corrected: Tensor = x + (end - start) * 0.5 * (slope + next_slope)
    return torch.where(end == 0.0, predicted, corrected)
