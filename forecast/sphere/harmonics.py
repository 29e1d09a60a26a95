"""Spherical harmonic transforms of tensors by sums over the grid; differentiable."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from data_catalog.statistics.legendre import legendre_functions
from forecast.sphere.grid import Grid


class HarmonicTransform(nn.Module):
    """Transforms fields to the amplitudes of spherical harmonics, and back.

    The harmonics are normalised to a mean square of 1 over the sphere.

    Args:
        grid: A globe.
        truncation: Largest degree. None for two thirds of the number of latitudes, up to which sums over the grid are
            accurate.

    Raises:
        ValueError: The grid is a region, or has too few points for the truncation.
    """

    def __init__(self, grid: Grid, truncation: int | None = None) -> None:
        super().__init__()
        if not grid.topology().is_globe:
            raise ValueError("grid: expected a globe, found a region, which has no spherical harmonics")
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

    def analyse(self, fields: Float[Tensor, "*batch latitude longitude"]) -> Complex[Tensor, "*batch order degree"]:
        """Return the amplitudes of the harmonics of fields.

        Args:
            fields: Values on the grid.

        Returns:
            Complex amplitudes, zero where the degree is below the order.
        """
        waves = torch.fft.rfft(fields.float(), dim=-1)[..., : self.truncation + 1] / fields.shape[-1]
        projection = (self.get_buffer("functions") * self.get_buffer("areas")).to(waves.dtype)
        return torch.einsum("mdy,...ym->...md", projection, waves)

    def synthesise(
        self, amplitudes: Complex[Tensor, "*batch order degree"]
    ) -> Float[Tensor, "*batch latitude longitude"]:
        """Return the fields that harmonics add up to.

        Args:
            amplitudes: Complex amplitudes, as `analyse` returns them.
        """
        functions = self.get_buffer("functions").to(amplitudes.dtype)
        waves = torch.einsum("mdy,...md->...ym", functions, amplitudes)
        result: Tensor = torch.fft.irfft(waves * self.longitudes, n=self.longitudes, dim=-1)
        return result

    def coefficients(self, fields: Float[Tensor, "*batch latitude longitude"]) -> Float[Tensor, "*batch coefficient"]:
        """Return the coefficients of the real harmonics of fields; their squares add up to the mean square.

        Args:
            fields: Values on the grid.

        Returns:
            (truncation + 1)^2 coefficients of each field, units of the field.
        """
        amplitudes = self.analyse(fields)
        order, degree = torch.triu_indices(self.truncation + 1, self.truncation + 1)
        flat = amplitudes[..., order, degree]
        waves = torch.view_as_real(flat[..., order > 0]).flatten(-2) * 2**0.5
        return torch.cat([flat[..., order == 0].real, waves], dim=-1)


@lru_cache(maxsize=4)
def _transform(latitude: tuple[float, ...], longitude: tuple[float, ...], device: torch.device) -> HarmonicTransform:
    with torch.device("cpu"):  # also for who counts costs on the meta device, where nothing has values
        transform = HarmonicTransform(Grid(np.array(latitude), np.array(longitude)))
    return transform.to(device)


def harmonic_transform(grid: Grid, device: torch.device) -> HarmonicTransform:
    """Return the transform of a grid up to two thirds of the number of latitudes; the latest four are kept.

    Args:
        grid: A globe.
        device: Where it shall be; one that is kept is never moved to another.

    Raises:
        ValueError: The grid is a region.
    """
    return _transform(tuple(grid.latitude.tolist()), tuple(grid.longitude.tolist()), device)
