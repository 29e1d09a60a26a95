"""Predictive distributions with their CRPS in closed form, distribution function and quantiles.

Each is given by location-like and scale-like parameters as arrays that broadcast; the observation is in the same unit.
"""

from abc import ABC, abstractmethod
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
SHAPE_LIMITS = (1e-3, 1e6)
"""Shapes of a gamma distribution that are computed with; others are brought to the nearer end."""
_TINY = 1e-12


class Distribution(ABC):
    """A family of distributions with a mean-like parameter, a standard deviation and perhaps a shift."""

    @abstractmethod
    def crps(self, mean: Array, deviation: Array, shift: Array, observation: Array) -> Array:
        """Continuous ranked probability score, unit of the observation."""

    @abstractmethod
    def cdf(self, mean: Array, deviation: Array, shift: Array, value: Array) -> Array:
        """Probability of not exceeding a value."""

    @abstractmethod
    def quantile(self, mean: Array, deviation: Array, shift: Array, level: Array) -> Array:
        """Value that is not exceeded with a probability of `level`, in 0 to 1."""


@final
class Normal(Distribution):
    """Normal distribution; `shift` means nothing.

    Source: Gneiting et al. (2005), doi:10.1175/MWR2904.1, equation 5
    """

    def crps(self, mean: Array, deviation: Array, shift: Array, observation: Array) -> Array:
        """CRPS of N(mean, deviation^2)."""
        z = (observation - mean) / deviation
        value: Array = deviation * (z * (2 * special.ndtr(z) - 1) + 2 * _density(z) - 1 / np.sqrt(np.pi))
        return value

    def cdf(self, mean: Array, deviation: Array, shift: Array, value: Array) -> Array:
        """Probability of not exceeding a value."""
        return np.asarray(special.ndtr((value - mean) / deviation))

    def quantile(self, mean: Array, deviation: Array, shift: Array, level: Array) -> Array:
        """Value that is not exceeded with a probability of `level`."""
        return np.asarray(mean + deviation * special.ndtri(level))


@final
class TruncatedNormal(Distribution):
    """Normal distribution cut off below 0, for wind speed; `mean` and `deviation` are those before the cut.

    Source: Thorarinsdottir and Gneiting (2010), doi:10.1111/j.1467-985X.2009.00616.x
    """

    def crps(self, mean: Array, deviation: Array, shift: Array, observation: Array) -> Array:
        """CRPS of an observation of 0 or more."""
        z, ratio = (observation - mean) / deviation, mean / deviation
        above = np.maximum(special.ndtr(ratio), _TINY)
        inner = z * above * (2 * special.ndtr(z) + above - 2) + 2 * _density(z) * above
        return np.asarray(deviation / above**2 * (inner - special.ndtr(np.sqrt(2) * ratio) / np.sqrt(np.pi)))

    def cdf(self, mean: Array, deviation: Array, shift: Array, value: Array) -> Array:
        """Probability of not exceeding a value."""
        below = special.ndtr(-mean / deviation)
        share = (special.ndtr((value - mean) / deviation) - below) / np.maximum(1 - below, _TINY)
        return np.asarray(np.where(value < 0, 0.0, np.clip(share, 0, 1)))

    def quantile(self, mean: Array, deviation: Array, shift: Array, level: Array) -> Array:
        """Value that is not exceeded with a probability of `level`."""
        below = special.ndtr(-mean / deviation)
        return np.asarray(np.maximum(mean + deviation * special.ndtri(below + level * (1 - below)), 0.0))


@final
class CensoredGamma(Distribution):
    """Gamma distribution shifted left by `shift` and censored at 0, for precipitation.

    `mean` and `deviation` are those of the gamma distribution before shift and censoring.

    Source: Scheuerer and Hamill (2015), doi:10.1175/MWR-D-15-0061.1; Baran and Nemoda (2016), doi:10.1002/env.2391
    """

    def crps(self, mean: Array, deviation: Array, shift: Array, observation: Array) -> Array:
        """CRPS of an observation of 0 or more."""
        shape, scale = _shape_and_scale(mean, deviation)
        edge, value = shift / scale, (observation + shift) / scale
        at_edge, next_at_edge = special.gammainc(shape, edge), special.gammainc(shape + 1, edge)
        first = value * (2 * special.gammainc(shape, value) - 1) - edge * at_edge**2
        second = shape * (1 + 2 * at_edge * next_at_edge - at_edge**2 - 2 * special.gammainc(shape + 1, value))
        third = shape / np.pi * special.beta(0.5, shape + 0.5) * (1 - special.gammainc(2 * shape, 2 * edge))
        return np.asarray(scale * (first + second - third))

    def cdf(self, mean: Array, deviation: Array, shift: Array, value: Array) -> Array:
        """Probability of not exceeding a value."""
        shape, scale = _shape_and_scale(mean, deviation)
        return np.asarray(np.where(value < 0, 0.0, special.gammainc(shape, np.maximum(value + shift, 0) / scale)))

    def quantile(self, mean: Array, deviation: Array, shift: Array, level: Array) -> Array:
        """Value that is not exceeded with a probability of `level`."""
        shape, scale = _shape_and_scale(mean, deviation)
        return np.asarray(np.maximum(scale * special.gammaincinv(shape, level) - shift, 0.0))


DISTRIBUTIONS: dict[str, Distribution] = {
    "normal": Normal(),
    "truncated-normal": TruncatedNormal(),
    "censored-gamma": CensoredGamma(),
}
"""By name."""


def _shape_and_scale(mean: Array, deviation: Array) -> tuple[Array, Array]:
    shape = np.clip((mean / deviation) ** 2, *SHAPE_LIMITS)
    return shape, mean / shape


def _density(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
