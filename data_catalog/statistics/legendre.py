"""Spherical harmonics on global latitude-longitude grids, in float64.

The real harmonics of degree l are P_l0, and sqrt(2) P_lm times the cosine and the sine of m times the longitude, m = 1
to l. With the Legendre functions of this module each of them has mean square 1 over the sphere, and the squares of all
2 l + 1 add up to 2 l + 1 at every point.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray


def legendre_functions(latitude: ArrayLike, order: int, truncation: int) -> NDArray[np.float64]:
    """Compute associated Legendre functions of one order, from degree `order` to `truncation`.

    Args:
        latitude: Latitudes, degrees.
        order: Zonal wavenumber, at most `truncation`.
        truncation: Largest degree.

    Returns:
        Functions, (degree, latitude), without the Condon-Shortley phase, by recurrence in increasing degree, which is
        stable.

    Source: Holmes and Featherstone (2002), equations 11 and 12, doi:10.1007/s00190-002-0216-2
    """
    radians = np.deg2rad(np.asarray(latitude, np.float64))
    sine, cosine = np.sin(radians), np.cos(radians)
    first = np.ones_like(sine)
    for m in range(1, order + 1):
        first = first * cosine * np.sqrt((2 * m + 1) / (2 * m))
    functions = [first, sine * first * np.sqrt(2 * order + 3)]
    for degree in range(order + 2, truncation + 1):
        scale = np.sqrt((4 * degree**2 - 1) / (degree**2 - order**2))
        lower = np.sqrt(((degree - 1) ** 2 - order**2) / (4 * (degree - 1) ** 2 - 1))
        functions.append(scale * (sine * functions[-1] - lower * functions[-2]))
    return np.stack(functions[: truncation + 1 - order])


def covariance_by_order(latitude: ArrayLike, variances: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Yield the contribution of each zonal wavenumber to the covariance between latitudes of an isotropic field.

    The covariance of two points is the sum over m of result[m] cos(m times the difference of longitudes).

    Args:
        latitude: Latitudes, degrees.
        variances: Variance of the field by degree, (..., degree).

    Yields:
        Covariance, (..., latitude, latitude), for each order from 0 to the largest degree.

    Source: addition theorem, Boer and Shepherd (1983), doi:10.1175/1520-0469(1983)040<0164:LSTDTI>2.0.CO;2
    """
    truncation = variances.shape[-1] - 1
    each = variances / (2 * np.arange(truncation + 1) + 1)
    for order in range(truncation + 1):
        functions = legendre_functions(latitude, order, truncation)
        both = 1.0 if order == 0 else 2.0
        yield np.einsum("...d,dx,dy->...xy", both * each[..., order:], functions, functions)


def power_by_degree(
    fields: NDArray[np.floating], latitude: ArrayLike, weights: NDArray[np.float64], truncation: int
) -> NDArray[np.float64]:
    """Compute the variance of fields by degree, from sums over the grid.

    Args:
        fields: Global fields, (..., latitude, longitude), with evenly spaced longitudes.
        latitude: Latitudes, degrees.
        weights: Cell areas by latitude, mean 1.
        truncation: Largest degree, at most half the number of longitudes.

    Returns:
        Variance, (..., degree); its sum approaches the mean square as the truncation grows. Degrees near the
        resolution of the grid are approximate, because sums over latitudes are not exact integrals.
    """
    amplitudes = np.fft.rfft(np.asarray(fields, np.float64), axis=-1) / fields.shape[-1]
    areas = weights / weights.sum()
    power = np.zeros((*fields.shape[:-2], truncation + 1))
    for order in range(truncation + 1):
        projection = legendre_functions(latitude, order, truncation) * areas
        both = 1.0 if order == 0 else 2.0
        power[..., order:] += both * np.abs(amplitudes[..., order] @ projection.T) ** 2
    return power
