"""The outcome that is explained: one channel at one lead time, at a place."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.errors import ConfigurationError
from forecast.states.standardiser import Standardiser, is_amount


@dataclass(frozen=True, eq=False)
class Outcome:
    """A weighted mean of one channel over the grid, at one lead time.

    Attributes:
        channel: Name of the channel.
        lead_step: Lead time in steps, counted from 1.
        valid_time: Valid time.
        weights: Weight of each point, (latitude, longitude), not negative, sum 1: a single 1 for a point.
        standardiser: Converts standardised anomalies to physical fields.

    Raises:
        ConfigurationError: The model has no such channel.
    """

    channel: str
    lead_step: int
    valid_time: np.datetime64
    weights: NDArray[np.float64]
    standardiser: Standardiser

    def __post_init__(self) -> None:
        if self.channel not in self.standardiser.channels:
            known = ", ".join(self.standardiser.channels)
            raise ConfigurationError(f"channel: expected one of the model, {known}, found '{self.channel}'")

    @property
    def index(self) -> int:
        """Position of the channel in a state."""
        return self.standardiser.channels.index(self.channel)

    @cached_property
    def _climatology(self) -> Tensor:
        mean = self.standardiser.climatology_at(np.array([self.valid_time]))[0, self.index]
        return torch.from_numpy(mean.astype(np.float64))

    def of_states(self, states: Float[Tensor, "member channel latitude longitude"]) -> Float[Tensor, " member"]:
        """Return the outcome of each member, float64, in the unit of the channel; differentiable.

        Args:
            states: Standardised anomalies at the valid time.
        """
        anomaly = states[:, self.index].double() * float(self.standardiser.std[self.index])
        values = anomaly + self._climatology.to(states.device)
        if is_amount(self.channel):
            values = values**2
        return (values * torch.from_numpy(self.weights).to(states.device)).sum(dim=(1, 2))


def point_weights(shape: tuple[int, int], row: int, column: int) -> NDArray[np.float64]:
    """Return the weights of a single grid point.

    Args:
        shape: Numbers of latitudes and longitudes.
        row: Index of the latitude.
        column: Index of the longitude.
    """
    weights = np.zeros(shape)
    weights[row, column] = 1.0
    return weights
