"""Spread corrections with two parameters for each channel: a factor at the first lead time, and one at late ones.

The logarithm of the factor relaxes exponentially from the first to the second. The estimates are shrunk: the mean over
the channels towards a factor of 1, and each channel towards the mean over all.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

RELAXATION_HOURS = 36.0
"""Time in which a factor covers 1 - 1/e of the way from its early to its late value."""
COMMON_SCALE = 0.2
"""Prior standard deviation of the mean logarithm over the channels."""
CHANNEL_SCALE = 0.1
"""Prior standard deviation of a channel's difference from that mean."""
LEAST_ERROR = 0.01
"""Smallest standard error of ln(spread/error): errors of different lead times are correlated, and starts are few."""
LARGEST_LOG = 0.5
"""Largest absolute logarithm of a factor."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class SpreadLaw:
    """Factors on the spread by channel and lead time.

    Attributes:
        logs: Logarithm of each channel's factor at the first lead time, and at late ones.
        lead_hours: Lead time of each lead step, hours, ascending.
    """

    logs: Float[Array, "channel 2"]
    lead_hours: Float[Array, " lead"]

    @classmethod
    def neutral(cls, channels: int, lead_hours: Float[Array, " lead"]) -> "SpreadLaw":
        """Return the law whose factors are all 1.

        Args:
            channels: Number of channels.
            lead_hours: Lead time of each lead step, hours, ascending.
        """
        return cls(np.zeros((channels, 2)), lead_hours)

    def factors(self) -> Float[Array, "channel lead"]:
        """Return the factor on each channel's spread at each lead step."""
        return np.exp(self.logs @ self._basis().T)

    def halfway_to(self, other: "SpreadLaw") -> "SpreadLaw":
        """Return the law half-way between this one and another, in the logarithm.

        Args:
            other: A law of the same channels and lead times.
        """
        return SpreadLaw((self.logs + other.logs) / 2, self.lead_hours)

    def towards_reliable(
        self, log_ratio: Float[Array, "channel lead"], error: Float[Array, "channel lead"]
    ) -> "SpreadLaw":
        """Return the law with which the spread would match the error, if spread were proportional to its factor.

        Args:
            log_ratio: ln(spread / error of the ensemble mean) of forecasts made with this law.
            error: Standard error of `log_ratio`.
        """
        basis = self._basis()
        wanted = self.logs @ basis.T - log_ratio
        variance = error**2 + LEAST_ERROR**2
        common = _ridge(basis, wanted.mean(axis=0), variance.mean(axis=0), COMMON_SCALE)
        own = [
            _ridge(basis, row - basis @ common, spread, CHANNEL_SCALE)
            for row, spread in zip(wanted, variance, strict=True)
        ]
        return SpreadLaw(np.clip(common + np.array(own), -LARGEST_LOG, LARGEST_LOG), self.lead_hours)

    def _basis(self) -> Float[Array, "lead 2"]:
        early = np.exp((self.lead_hours[0] - self.lead_hours) / RELAXATION_HOURS)
        return np.stack([early, 1.0 - early], axis=1)


def _ridge(basis: Array, wanted: Array, variance: Array, scale: float) -> Float[Array, " 2"]:
    """Coefficients with prior standard deviation `scale` about 0, given values of known error variance.

    Errors of different lead times are taken as fully correlated, so that many lead times weigh no more than one.
    """
    weights = 1.0 / (variance * wanted.size)
    normal = basis.T @ (weights[:, None] * basis) + np.eye(2) / scale**2
    return np.linalg.solve(normal, basis.T @ (weights * wanted)).astype(np.float64)
