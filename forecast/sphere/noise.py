"""Noise on the sphere: from independent normal numbers at the grid's points to what the diffusion adds.

A latitude-longitude grid crowds the poles, so numbers that are independent at its points average out there: their mean
over a cap of 10 degrees varies three times less at a pole than at the equator. An isotropic field has the same
covariance between any two points that are the same distance apart. Cut off at a grid's wavenumber it would leave
combinations of points without any noise, in which the sampler could never make anything; a share of every point's
variance therefore stays independent of the other points.

Nothing else of the diffusion changes. With x = clean + sigma L z and z white, everything holds for L^-1 x, whose noise
is white: the expected clean state there is L^-1 D(x, sigma), and L cancels in dx/dsigma = (x - D) / sigma. The squared
error has the same minimiser in any metric. Scalings in and out of the network depend on the variance at a point, which
is 1 at each, as for white noise.
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
"""Least share of the variance at a point that is independent of all other points."""


class SphereNoise(nn.Module):
    """A linear map that gives white noise the same variance and covariance all over the globe.

    Along longitude it is a convolution, so that it is a symmetric matrix of latitudes for each zonal wavenumber: the
    root of the covariance.

    Args:
        grid: Round the globe and from pole to pole.
        channels: Fields; each has a spectrum of its own if it is fitted.
        fitted: The spectrum is that of the residual, once `fit` was called; else all harmonics have the same variance,
            up to the wavenumber of the grid.

    Raises:
        ValueError: The grid is a region.
    """

    def __init__(self, grid: Grid, channels: int, *, fitted: bool) -> None:
        super().__init__()
        if not grid.topology().is_globe:
            raise ValueError("diffusion.noise: expected 'white' on a region, which has no isotropic noise")
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
        """Isotropic noise of unit variance from independent standard normal numbers, in float32."""
        root = self.get_buffer("root")
        fields = white.float().reshape(-1, root.shape[0], *white.shape[-2:])
        waves = torch.view_as_real(torch.fft.rfft(fields, dim=-1))
        waves = torch.einsum("coyx,bcxop->bcyop", root, waves).contiguous()
        shaped: Tensor = torch.fft.irfft(torch.view_as_complex(waves), n=self.longitudes, dim=-1)
        return shaped.reshape(white.shape)

    def fit(self, residuals: Iterable[Float[Tensor, "batch channel latitude longitude"]]) -> None:
        """Take the spectrum of residuals: what their harmonics do not hold becomes independent.

        Args:
            residuals: Batches of them, of unit variance in the mean over all and the globe.
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
        """Make the map from the spectrum."""
        variances = self.get_buffer("variances")
        if not variances.is_meta:
            roots = _roots(self.latitude, variances.detach().cpu().double().numpy(), self.longitudes)
            self.root = torch.from_numpy(roots).float().to(variances.device)


def _refresh(noise: nn.Module, _: object) -> None:
    assert isinstance(noise, SphereNoise)
    noise.refresh()


def _roots(latitude: NDArray[np.float64], variances: NDArray[np.float64], longitudes: int) -> NDArray[np.float64]:
    """(channel, zonal wavenumber, latitude, latitude): symmetric roots of the covariance of a circle's amplitudes."""
    independent = 1.0 - variances.sum(axis=1)[:, None, None] * np.ones((1, latitude.size))
    shape = (variances.shape[0], longitudes // 2 + 1, latitude.size, latitude.size)
    covariance = np.zeros(shape)
    for order, part in enumerate(covariance_by_order(latitude, variances)):
        # A cosine is two waves, one of which goes the other way; orders stay below half the number of longitudes.
        covariance[:, order] = part * (longitudes if order == 0 else longitudes / 2)
    covariance += independent[:, :, None, :] * np.eye(latitude.size)
    values, vectors = np.linalg.eigh(covariance)
    roots: NDArray[np.float64] = (vectors * np.sqrt(values)[..., None, :]) @ vectors.swapaxes(-1, -2)
    return roots
