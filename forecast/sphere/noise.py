"""Isotropic noise on the sphere, made from white noise: independent normal numbers at the points of a grid.

A latitude-longitude grid crowds its points near the poles, so white noise averages out there: its mean over a cap of 10
degrees has a third of the standard deviation at a pole that it has at the equator. Isotropic noise has the same
covariance between any two points at the same distance. If it were cut off at the grid's largest wavenumber, some
patterns of the grid would get no noise at all, and the sampler could never produce them. A small share of the variance
at each point is therefore left white.

The rest of the diffusion is unchanged. Let x = clean + sigma L z with white z. For L^-1 x the noise is white and the
expected clean state is L^-1 D(x, sigma), and L cancels in dx/dsigma = (x - D) / sigma. The squared error has the same
minimiser in any metric. Preconditioning depends on the variance at a point only, which is 1, as for white noise.
"""

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from data_catalog.statistics.legendre import covariance_by_order, power_by_degree
from forecast.sphere.grid import Grid

INDEPENDENT_SHARE = 0.01
"""Smallest share of the variance at a point that is white."""


class SphereNoise(nn.Module):
    """Turns white noise into isotropic noise of unit variance.

    The map is the symmetric square root of the covariance. Along longitude it is a convolution, so it is kept as one
    matrix over latitude for each zonal wavenumber.

    Args:
        grid: A globe.
        channels: Number of channels of a state.
        fitted: Whether each channel gets the spectrum that `fit` finds. Otherwise all harmonics up to the largest
            wavenumber of the grid have the same variance, in all channels.

    Raises:
        ValueError: The grid is a region.
    """

    def __init__(self, grid: Grid, channels: int, *, fitted: bool) -> None:
        super().__init__()
        if not grid.topology().is_globe:
            raise ValueError("grid: expected a globe, found a region, which has no isotropic noise")
        self.latitude, self.longitudes = grid.latitude, grid.longitude.size
        self.areas = grid.area_weights()[:, 0].double().numpy()
        self.fitted = fitted
        degree = torch.arange(min(grid.latitude.size, grid.longitude.size // 2)).double()
        equal = (1 - INDEPENDENT_SHARE) * (2 * degree + 1) / (2 * degree + 1).sum()
        self.register_buffer("variances", equal.float().repeat(channels if fitted else 1, 1), persistent=fitted)
        self.register_buffer("root", torch.empty(0), persistent=False)
        self.register_load_state_dict_post_hook(_refresh)  # type: ignore[no-untyped-call]
        self.refresh()

    def forward(self, white: Float[Tensor, "batch channel latitude longitude"]) -> Tensor:
        """Return isotropic noise of unit variance, float32.

        Args:
            white: Independent standard normal numbers.
        """
        root = self.get_buffer("root")
        fields = white.float().reshape(-1, root.shape[0], *white.shape[-2:])
        waves = torch.view_as_real(torch.fft.rfft(fields, dim=-1))
        waves = torch.einsum("coyx,bcxop->bcyop", root, waves).contiguous()
        shaped: Tensor = torch.fft.irfft(torch.view_as_complex(waves), n=self.longitudes, dim=-1)
        return shaped.reshape(white.shape)

    def fit(self, residuals: Iterable[Float[Tensor, "batch channel latitude longitude"]]) -> None:
        """Give the noise of each channel the power spectrum of residuals.

        Variance of the residuals that no harmonic of the grid describes becomes white.

        Args:
            residuals: Batches of residuals, normalised to unit variance over all samples and the globe.
        """
        truncation = self.get_buffer("variances").shape[1] - 1
        total, count = np.zeros(self.get_buffer("variances").shape), 0
        for batch in residuals:
            fields = batch.detach().cpu().double().numpy()
            total += power_by_degree(fields, self.latitude, self.areas, truncation).sum(axis=0)
            count += len(fields)
        variances = total / count
        excess = variances.sum(axis=1, keepdims=True) / (1 - INDEPENDENT_SHARE)
        variances = variances / np.maximum(excess, 1.0)
        self.get_buffer("variances").copy_(torch.from_numpy(variances))
        self.refresh()

    def refresh(self) -> None:
        """Compute the square root of the covariance from the spectrum, after the spectrum has changed."""
        variances = self.get_buffer("variances")
        if not variances.is_meta:
            roots = _roots(self.latitude, variances.detach().cpu().double().numpy(), self.longitudes)
            self.root = torch.from_numpy(roots).float().to(variances.device)


def _refresh(noise: nn.Module, _: object) -> None:
    assert isinstance(noise, SphereNoise)
    noise.refresh()


def _roots(latitude: NDArray[np.float64], variances: NDArray[np.float64], longitudes: int) -> NDArray[np.float64]:
    """Symmetric square roots of the covariance between latitudes, by channel and zonal wavenumber.

    Args:
        latitude: Degrees north.
        variances: Variance at a point that harmonics of each degree contribute, (channel, degree); the rest is white.
        longitudes: Number of longitudes.

    Returns:
        (channel, zonal wavenumber, latitude, latitude)
    """
    independent = 1.0 - variances.sum(axis=1)[:, None, None] * np.ones((1, latitude.size))
    shape = (variances.shape[0], longitudes // 2 + 1, latitude.size, latitude.size)
    covariance = np.zeros(shape)
    for order, part in enumerate(covariance_by_order(latitude, variances)):
        # A real wave of order m > 0 is half at +m and half at -m; all orders are below half the number of longitudes.
        covariance[:, order] = part * (longitudes if order == 0 else longitudes / 2)
    covariance += independent[:, :, None, :] * np.eye(latitude.size)
    values, vectors = np.linalg.eigh(covariance)
    roots: NDArray[np.float64] = (vectors * np.sqrt(values)[..., None, :]) @ vectors.swapaxes(-1, -2)
    return roots
