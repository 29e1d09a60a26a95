"""An anchor that regresses the next state on past ones in spherical harmonics, each zonal wavenumber on its own."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from forecast.anchors.anchor import FittedAnchor
from forecast.anchors.linear import regression
from forecast.sphere.grid import Grid
from forecast.sphere.harmonics import HarmonicTransform

RIDGE = 1e-3
"""Ridge of the regression: added to the diagonal of the predictors' covariance, relative to the diagonal's mean."""


class HarmonicAnchor(FittedAnchor):
    """Regresses the harmonics of all channels at each zonal wavenumber on those of the past states.

    On a sphere whose statistics do not depend on longitude, zonal wavenumbers are uncorrelated. One complex matrix for
    each wavenumber then describes how waves move, grow and decay, with far fewer numbers to fit than a regression that
    couples all longitudes. Harmonics beyond the truncation are predicted to be zero anomaly, the climatology.

    Args:
        truncation: Largest degree of the harmonics.
        fading: Number of the last degrees over which the forecast is tapered towards zero by a squared cosine, so that
            its error has no sharp edge at the truncation.
        past_states: Number of past states that the next one is regressed on.
        channels: Number of channels of a state.
        grid: A globe.

    Raises:
        ValueError: The grid is a region, or has too few points for the truncation.
    """

    def __init__(self, *, truncation: int, fading: int, past_states: int, channels: int, grid: Grid) -> None:
        super().__init__()
        self.transform = HarmonicTransform(grid, truncation)
        self.truncation, self.fading = truncation, fading
        self.past_states, self.channels, self.grid = past_states, channels, grid
        sizes = [channels * (truncation + 1 - order) for order in range(truncation + 1)]
        self._matrix_sizes = [past_states * size * size for size in sizes]
        # Real and imaginary parts, as checkpoints hold no complex numbers.
        self.register_buffer("propagate", torch.zeros(sum(self._matrix_sizes), 2))

    def fresh(self) -> "HarmonicAnchor":
        """Return another anchor with the same options, not fitted."""
        return HarmonicAnchor(
            truncation=self.truncation,
            fading=self.fading,
            past_states=self.past_states,
            channels=self.channels,
            grid=self.grid,
        )

    def predict(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict the next state by the fitted regression.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Not used.
        """
        del scalars
        amplitudes = self.transform.analyse(past)
        matrices = torch.view_as_complex(self.get_buffer("propagate")).split(self._matrix_sizes)
        following = torch.zeros_like(amplitudes[:, 0])
        for order, matrix in enumerate(matrices):
            predictors = amplitudes[..., order, order:].flatten(1)
            predicted = predictors @ matrix.view(-1, predictors.shape[1]).mT
            following[..., order, order:] = predicted.unflatten(1, (self.channels, -1))
        return self.transform.synthesise(following)

    def fit(
        self,
        states: Float[Tensor, "time channel latitude longitude"],
        starts: Int[Tensor, "sample past_and_next"],
        area_weights: Float[Tensor, "latitude 1"],
    ) -> None:
        """Fit to training states; all harmonics count alike.

        Args:
            states: Standardised anomalies.
            starts: For each sample, the indices in `states` of its past states, oldest first, and of the next one.
            area_weights: Not used.
        """
        del area_weights
        amplitudes = self.transform.analyse(states).to(torch.complex128)
        taper, matrices = self._taper(), []
        for order in range(self.truncation + 1):
            of_order = amplitudes[..., order, order:].flatten(1)
            predictors, targets = of_order[starts[:, :-1]].flatten(1), of_order[starts[:, -1]]
            matrix = regression(predictors, targets, RIDGE) * taper[order:].repeat(self.channels)[:, None]
            matrices.append(matrix.flatten())
        self.get_buffer("propagate").copy_(torch.view_as_real(torch.cat(matrices)))

    def _taper(self) -> Float[Tensor, " degree"]:
        """Factor on the forecast of each degree."""
        past_edge = (torch.arange(self.truncation + 1) - (self.truncation - self.fading)).clamp_min(0)
        return (past_edge / (self.fading + 1) * torch.pi / 2).cos().square()
