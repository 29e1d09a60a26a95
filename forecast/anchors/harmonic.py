"""The next state regressed on past ones in spherical harmonics, each zonal wavenumber by itself."""

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from data_catalog.harmonics import legendre_functions
from forecast.anchors.anchor import FittedAnchor
from forecast.anchors.linear import regression
from forecast.grid import Grid

RIDGE = 1e-3
"""Added to the diagonal of the predictors' covariance, relative to its mean."""


class HarmonicAnchor(FittedAnchor):
    """A regression of all channels' harmonics of one order on those of the past states.

    On a sphere whose statistics do not depend on longitude, orders are uncorrelated, and one complex matrix for each
    says how waves move on, grow and decay. So there are far fewer numbers to fit than between patterns of all channels
    and longitudes together. What lies beyond the truncation is anchored to climatology, anomaly zero.

    Args:
        truncation: Largest degree.
        past_states: States regressed on.
        channels: Fields of a state.
        grid: Round the globe and from pole to pole.

    Raises:
        ValueError: The grid is a region, or cannot resolve the truncation.
    """

    def __init__(self, *, truncation: int, past_states: int, channels: int, grid: Grid) -> None:
        super().__init__()
        topology = grid.topology()
        if not topology.periodic or topology.pole == "none":
            raise ValueError("anchor.space: expected 'eofs' on a region, which has no spherical harmonics")
        largest = min(grid.latitude.size, grid.longitude.size // 2) - 1
        if truncation > largest:
            raise ValueError(f"anchor.truncation: expected at most {largest} on this grid, found {truncation}")
        self.truncation, self.past_states, self.channels, self.grid = truncation, past_states, channels, grid
        orders = range(truncation + 1)
        tables = [legendre_functions(grid.latitude, order, truncation) for order in orders]
        padded = np.stack([np.pad(table, ((order, 0), (0, 0))) for order, table in zip(orders, tables, strict=True)])
        self.register_buffer("functions", torch.from_numpy(padded).float(), persistent=False)
        areas = grid.area_weights()[:, 0]
        self.register_buffer("areas", areas / areas.sum(), persistent=False)
        sizes = [channels * (truncation + 1 - order) for order in orders]
        self._numbers = [past_states * size * size for size in sizes]
        self.register_buffer("propagate", torch.zeros(sum(self._numbers), 2))

    def fresh(self) -> "HarmonicAnchor":
        """Another one of the same shape, not fitted."""
        return HarmonicAnchor(
            truncation=self.truncation, past_states=self.past_states, channels=self.channels, grid=self.grid
        )

    def predict(self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Tensor) -> Tensor:
        """Regression on the past states."""
        del scalars
        coefficients = self._analysed(past)
        matrices = torch.view_as_complex(self.get_buffer("propagate")).split(self._numbers)
        following = torch.zeros_like(coefficients[:, 0])
        for order, matrix in enumerate(matrices):
            predictors = coefficients[..., order, order:].flatten(1)
            predicted = predictors @ matrix.view(-1, predictors.shape[1]).mT
            following[..., order, order:] = predicted.unflatten(1, (self.channels, -1))
        return self._synthesised(following)

    def fit(
        self,
        states: Float[Tensor, "time channel latitude longitude"],
        starts: Int[Tensor, "sample past_and_next"],
        area_weights: Float[Tensor, "latitude 1"],
    ) -> None:
        """See `FittedAnchor.fit`; all harmonics count alike, whatever the area weights."""
        del area_weights
        coefficients = self._analysed(states).to(torch.complex128)
        matrices = []
        for order in range(self.truncation + 1):
            of_order = coefficients[..., order, order:].flatten(1)
            predictors, targets = of_order[starts[:, :-1]].flatten(1), of_order[starts[:, -1]]
            matrices.append(regression(predictors, targets, RIDGE).flatten())
        self.get_buffer("propagate").copy_(torch.view_as_real(torch.cat(matrices)))

    def _analysed(
        self, fields: Float[Tensor, "*batch channel latitude longitude"]
    ) -> Complex[Tensor, "*batch channel order degree"]:
        """Amplitudes of the harmonics."""
        waves = torch.fft.rfft(fields.float(), dim=-1)[..., : self.truncation + 1] / fields.shape[-1]
        projection = (self.get_buffer("functions") * self.get_buffer("areas")).to(waves.dtype)
        return torch.einsum("mdy,...ym->...md", projection, waves)

    def _synthesised(
        self, coefficients: Complex[Tensor, "*batch channel order degree"]
    ) -> Float[Tensor, "*batch channel latitude longitude"]:
        """Fields that harmonics of these amplitudes make."""
        functions = self.get_buffer("functions").to(coefficients.dtype)
        waves = torch.einsum("mdy,...md->...ym", functions, coefficients)
        longitudes = self.grid.longitude.size
        result: Tensor = torch.fft.irfft(waves * longitudes, n=longitudes, dim=-1)
        return result
