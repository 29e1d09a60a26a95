"""The next state regressed on past ones in spherical harmonics, each zonal wavenumber by itself."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from forecast.anchors.anchor import FittedAnchor
from forecast.anchors.linear import regression
from forecast.sphere.grid import Grid
from forecast.sphere.harmonics import HarmonicTransform

RIDGE = 1e-3
"""Added to the diagonal of the predictors' covariance, relative to its mean."""


class HarmonicAnchor(FittedAnchor):
    """A regression of all channels' harmonics of one order on those of the past states.

    On a sphere whose statistics do not depend on longitude, orders are uncorrelated, and one complex matrix for each
    says how waves move on, grow and decay. So there are far fewer numbers to fit than between patterns of all channels
    and longitudes together. What lies beyond the truncation is anchored to climatology, anomaly zero.

    Args:
        truncation: Largest degree.
        fading: Number of the last degrees over which the forecast fades out, with the square of a cosine.
        past_states: States regressed on.
        channels: Fields of a state.
        grid: Round the globe and from pole to pole.

    Raises:
        ValueError: The grid is a region, or cannot resolve the truncation.
    """

    def __init__(self, *, truncation: int, past_states: int, channels: int, grid: Grid, fading: int = 0) -> None:
        super().__init__()
        if not grid.topology().is_globe:
            raise ValueError("anchor.space: expected 'eofs' on a region, which has no spherical harmonics")
        try:
            self.transform = HarmonicTransform(grid, truncation)
        except ValueError as error:
            raise ValueError(f"anchor.{error}") from None
        self.truncation, self.past_states, self.channels, self.grid = truncation, past_states, channels, grid
        self.fading = fading
        orders = range(truncation + 1)
        sizes = [channels * (truncation + 1 - order) for order in orders]
        self._numbers = [past_states * size * size for size in sizes]
        self.register_buffer("propagate", torch.zeros(sum(self._numbers), 2))

    def fresh(self) -> "HarmonicAnchor":
        """Another one of the same shape, not fitted."""
        return HarmonicAnchor(
            truncation=self.truncation,
            past_states=self.past_states,
            channels=self.channels,
            grid=self.grid,
            fading=self.fading,
        )

    def predict(self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Tensor) -> Tensor:
        """Regression on the past states."""
        del scalars
        coefficients = self.transform.analysed(past)
        matrices = torch.view_as_complex(self.get_buffer("propagate")).split(self._numbers)
        following = torch.zeros_like(coefficients[:, 0])
        for order, matrix in enumerate(matrices):
            predictors = coefficients[..., order, order:].flatten(1)
            predicted = predictors @ matrix.view(-1, predictors.shape[1]).mT
            following[..., order, order:] = predicted.unflatten(1, (self.channels, -1))
        return self.transform.synthesised(following)

    def fit(
        self,
        states: Float[Tensor, "time channel latitude longitude"],
        starts: Int[Tensor, "sample past_and_next"],
        area_weights: Float[Tensor, "latitude 1"],
    ) -> None:
        """See `FittedAnchor.fit`; all harmonics count alike, whatever the area weights."""
        del area_weights
        coefficients = self.transform.analysed(states).to(torch.complex128)
        faded = (torch.arange(self.truncation + 1) - (self.truncation - self.fading)).clamp_min(0) / (self.fading + 1)
        kept = (faded * torch.pi / 2).cos().square()
        matrices = []
        for order in range(self.truncation + 1):
            of_order = coefficients[..., order, order:].flatten(1)
            predictors, targets = of_order[starts[:, :-1]].flatten(1), of_order[starts[:, -1]]
            matrix = regression(predictors, targets, RIDGE) * kept[order:].repeat(self.channels)[:, None]
            matrices.append(matrix.flatten())
        self.get_buffer("propagate").copy_(torch.view_as_real(torch.cat(matrices)))
