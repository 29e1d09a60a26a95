"""Spread corrections of few parameters: for each channel one factor at the first lead and one for late leads.

Between them the logarithm relaxes exponentially. Both are shrunk: the mean of the channels towards 1, and each channel
towards the mean of all.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

RELAXATION_HOURS = 36.0
"""After which a factor is 1 - 1/e of the way from its early to its late value."""
COMMON_SCALE = 0.2
"""Standard deviation expected of the logarithm that all channels share."""
CHANNEL_SCALE = 0.1
"""Standard deviation expected of each channel's difference from it."""
LEAST_ERROR = 0.01
"""Leads are correlated with each other, and starts are too few to know the spread better than this."""
LARGEST_LOG = 0.5
Array = NDArray[np.float64]


@dataclass(frozen=True)
class SpreadLaw:
    """Logarithm of a factor on the spread, by channel and lead.

    Attributes:
        logs: Early and late value of each channel.
        lead_hours: Of each lead step.
    """

    logs: Float[Array, "channel 2"]
    lead_hours: Float[Array, " lead"]

    @classmethod
    def neutral(cls, channels: int, lead_hours: Float[Array, " lead"]) -> "SpreadLaw":
        """All factors are 1."""
        return cls(np.zeros((channels, 2)), lead_hours)

    def factors(self) -> Float[Array, "channel lead"]:
        """Factor on each channel's spread at each lead step."""
        return np.exp(self.logs @ self._basis().T)

    def halfway_to(self, other: "SpreadLaw") -> "SpreadLaw":
        """The law between this one and another of the same leads."""
        return SpreadLaw((self.logs + other.logs) / 2, self.lead_hours)

    def towards_reliable(
        self, log_ratio: Float[Array, "channel lead"], error: Float[Array, "channel lead"]
    ) -> "SpreadLaw":
        """The law whose spread would match the error, if spread answered its factor in full.

        Args:
            log_ratio: ln(spread / error of the ensemble mean) of forecasts made with this law.
            error: Standard error of it.
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
    """Coefficients that are expected to be 0 within `scale`, given values of known error variance.

    Errors of different leads are taken for one and the same, so that many leads weigh no more than one.
    """
    weights = 1.0 / (variance * wanted.size)
    normal = basis.T @ (weights[:, None] * basis) + np.eye(2) / scale**2
    return np.linalg.solve(normal, basis.T @ (weights * wanted)).astype(np.float64)
