"""Spherical harmonics of fields as tensors, by sums over the grid; differentiable."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from data_catalog.statistics.legendre import legendre_functions
from forecast.sphere.grid import Grid


class HarmonicTransform(nn.Module):
    """Between fields and the amplitudes of their harmonics, which have mean square 1 over the sphere.

    Args:
        grid: Round the globe and from pole to pole.
        truncation: Largest degree; None takes two thirds of the number of latitudes, which sums over it resolve well.

    Raises:
        ValueError: The grid is a region, or cannot resolve the truncation.
    """

    def __init__(self, grid: Grid, truncation: int | None = None) -> None:
        super().__init__()
        if not grid.topology().is_globe:
            raise ValueError("expected a grid round the globe, found a region, which has no spherical harmonics")
        largest = min(grid.latitude.size, grid.longitude.size // 2) - 1
        self.truncation = min(2 * grid.latitude.size // 3, largest) if truncation is None else truncation
        if self.truncation > largest:
            raise ValueError(f"truncation: expected at most {largest} on this grid, found {self.truncation}")
        self.longitudes = grid.longitude.size
        orders = range(self.truncation + 1)
        tables = [legendre_functions(grid.latitude, order, self.truncation) for order in orders]
        padded = np.stack([np.pad(table, ((order, 0), (0, 0))) for order, table in zip(orders, tables, strict=True)])
        self.register_buffer("functions", torch.from_numpy(padded).float(), persistent=False)
        areas = grid.area_weights()[:, 0]
        self.register_buffer("areas", areas / areas.sum(), persistent=False)

    def analysed(self, fields: Float[Tensor, "*batch latitude longitude"]) -> Complex[Tensor, "*batch order degree"]:
        """Amplitudes of the harmonics; zero where the degree is below the order."""
        waves = torch.fft.rfft(fields.float(), dim=-1)[..., : self.truncation + 1] / fields.shape[-1]
        projection = (self.get_buffer("functions") * self.get_buffer("areas")).to(waves.dtype)
        return torch.einsum("mdy,...ym->...md", projection, waves)

    def synthesised(
        self, amplitudes: Complex[Tensor, "*batch order degree"]
    ) -> Float[Tensor, "*batch latitude longitude"]:
        """Fields that harmonics of these amplitudes make."""
        functions = self.get_buffer("functions").to(amplitudes.dtype)
        waves = torch.einsum("mdy,...md->...ym", functions, amplitudes)
        result: Tensor = torch.fft.irfft(waves * self.longitudes, n=self.longitudes, dim=-1)
        return result

    def coefficients(self, fields: Float[Tensor, "*batch latitude longitude"]) -> Float[Tensor, "*batch coefficient"]:
        """Real coefficients of the (truncation + 1)^2 real harmonics; their squares add up to the mean square."""
        amplitudes = self.analysed(fields)
        order, degree = torch.triu_indices(self.truncation + 1, self.truncation + 1)
        flat = amplitudes[..., order, degree]
        waves = torch.view_as_real(flat[..., order > 0]).flatten(-2) * 2**0.5
        return torch.cat([flat[..., order == 0].real, waves], dim=-1)


@lru_cache(maxsize=4)
def _transform(latitude: tuple[float, ...], longitude: tuple[float, ...]) -> HarmonicTransform:
    return HarmonicTransform(Grid(np.array(latitude), np.array(longitude)))


def harmonic_transform(grid: Grid) -> HarmonicTransform:
    """The transform of a grid up to what it resolves well, made once.

    Raises:
        ValueError: See `HarmonicTransform`.
    """
    return _transform(tuple(grid.latitude.tolist()), tuple(grid.longitude.tolist()))
