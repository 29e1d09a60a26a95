"""The denoising loss: which noise levels training draws, and how much the error at each of them counts."""

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
"""Returns the weight of the squared denoising error at sigma; (sample,) to (sample,)."""


@dataclass(frozen=True)
class NoiseLevels:
    """The noise levels of a batch.

    Attributes:
        sigma: Noise standard deviation of each sample.
        chance: Share of the distribution of noise levels that lies below sigma.
        importance: Factor on the sample's loss that compensates for noise levels that are drawn more often than the
            distribution says.
    """

    sigma: Float[Tensor, " batch"]
    chance: Float[Tensor, " batch"]
    importance: Float[Tensor, " batch"]


class DenoisingLoss(nn.Module):
    """Weighted squared error of the denoised state.

    By default it has no parameters. An adaptive distribution keeps running means, and learned uncertainty has weights;
    both are part of the model's state, and so are saved and resumed with it.

    Args:
        quantiles: Quantile function of the noise levels.
        weight: Weight of the squared error at a noise level.
        adaptive: Whether noise levels with a large loss are drawn more often. The expected loss stays the same.
        uncertain_channels: Number of channels whose uncertainty is learned; 0 for none.
    """

    def __init__(self, quantiles: Quantiles, weight: Weight, *, adaptive: bool, uncertain_channels: int) -> None:
        super().__init__()
        self.quantiles, self.weight = quantiles, weight
        self.tilt = LossSampler() if adaptive else None  # stored training states use this name
        self.log_variance = LogVariance(uncertain_channels) if uncertain_channels else None

    def levels(self, chances: Float[Tensor, " batch"]) -> NoiseLevels:
        """Return the noise levels of a batch.

        They are adapted in training mode only, so that validation losses can be compared.

        Args:
            chances: Uniform numbers between 0 and 1, from `stratified_chances`.
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
        """Return the loss of each sample; in training, an adaptive distribution records it until `update`.

        Args:
            denoiser: Returns the expected clean state given (x, sigma).
            clean: Clean states of unit variance.
            noise: Standard normal.
            levels: Noise levels from the method `levels`, on the device of `clean`.
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
        """Adapt the distribution of noise levels to the losses recorded since the last call, once an iteration."""
        if self.tilt is not None:
            self.tilt.update()
