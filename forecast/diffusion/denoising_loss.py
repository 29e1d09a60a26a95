"""What a denoiser is taught: at which noise levels, and how much each of them counts."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from forecast.diffusion.learned_uncertainty import LogVariance
from forecast.diffusion.loss_sampling import LossSampler
from forecast.diffusion.losses import squared_error
from forecast.diffusion.preconditioning import Denoiser
from forecast.diffusion.time_distributions import Quantiles

Weight = Callable[[Tensor], Tensor]
"""sigma to the weight of the squared denoising error: (sample,) to (sample,)."""


@dataclass(frozen=True)
class NoiseLevels:
    """Noise levels of a batch.

    Attributes:
        sigma: Noise standard deviation of each sample.
        chance: Where it lies in the distribution of noise levels.
        importance: How much its loss counts, to make up for levels that are drawn more often than others.
    """

    sigma: Float[Tensor, " batch"]
    chance: Float[Tensor, " batch"]
    importance: Float[Tensor, " batch"]


class DenoisingLoss(nn.Module):
    """Weighted squared error of the denoised state, and what training learns about it on the way.

    Under plain settings it holds no numbers. An adaptive distribution keeps running means, and learned uncertainty
    has weights: both are stored, resumed and moved between devices with the model that this is a part of.

    Args:
        quantiles: Distribution of noise levels.
        weight: Weight of a noise level.
        adaptive: Draw more often where the loss is large; what is minimised stays the same.
        uncertain_channels: Channels that learn their own uncertainty; 0 for none.
    """

    def __init__(self, quantiles: Quantiles, weight: Weight, *, adaptive: bool, uncertain_channels: int) -> None:
        super().__init__()
        self.quantiles, self.weight = quantiles, weight
        self.tilt = LossSampler() if adaptive else None
        self.log_variance = LogVariance(uncertain_channels) if uncertain_channels else None

    def levels(self, chances: Float[Tensor, " batch"]) -> NoiseLevels:
        """Noise levels of a batch, from even chances as `stratified_chances` draws them.

        Only training adapts them: a loss outside of it compares with others.
        """
        if self.tilt is None or not self.training:
            return NoiseLevels(self.quantiles(chances), chances, chances.new_ones(chances.shape))
        bent, importance = self.tilt(chances)
        return NoiseLevels(self.quantiles(bent), bent, importance)

    def forward(
        self,
        denoiser: Denoiser,
        clean: Float[Tensor, "batch channel latitude longitude"],
        noise: Float[Tensor, "batch channel latitude longitude"],
        levels: NoiseLevels,
        weights: Float[Tensor, "channel latitude #longitude"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each sample; in training, an adaptive distribution notes it until `settle`.

        Args:
            denoiser: Expected clean state given (noisy state, sigma).
            clean: Samples of unit variance.
            noise: Standard normal.
            levels: As `levels` returns them, on the device of `clean`.
            weights: Area and channel weights, mean 1.

        Source: Karras et al. (2022), equation 8; with learned uncertainty, Karras et al. (2024), equation 15
        """
        error = self.weight(levels.sigma)[:, None] * squared_error(denoiser, clean, levels.sigma, noise, weights)
        if self.log_variance is not None:
            expected, share = self.log_variance(levels.sigma), weights.mean(dim=(1, 2))
            error = error / expected.exp() + share * expected
        loss = error.mean(dim=1)
        if self.tilt is not None and self.training:
            self.tilt.observe(levels.chance, loss.detach())
        return levels.importance * loss

    def update(self) -> None:
        """End an iteration of training: an adaptive distribution takes in the losses that it noted."""
        if self.tilt is not None:
            self.tilt.update()
