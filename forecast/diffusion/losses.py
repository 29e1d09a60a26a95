"""What training minimises."""

from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.preconditioning import Denoiser, loss_weight


def denoising_loss(
    denoiser: Denoiser,
    clean: Float[Tensor, "batch channel latitude longitude"],
    sigma: Float[Tensor, " batch"],
    noise: Float[Tensor, "batch channel latitude longitude"],
    weights: Float[Tensor, "channel latitude #longitude"],
) -> Float[Tensor, " batch"]:
    """Weighted squared error of the denoised state, one value a sample.

    Args:
        denoiser: Expected clean state given (noisy state, sigma).
        clean: Samples of unit variance.
        sigma: Noise standard deviation of each sample.
        noise: Standard normal.
        weights: Area and channel weights, mean 1.

    Source: Karras et al. (2022), equation 8
    """
    noisy = clean + sigma[:, None, None, None] * noise
    error = (denoiser(noisy, sigma) - clean).square()
    return loss_weight(sigma) * (error * weights).mean(dim=(1, 2, 3))
