"""Cheap predictors of the next state; the network learns only what they miss.

Both work on standardised anomalies and are modules, so that their fitted numbers travel in the checkpoint.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from data_catalog.eofs import fit_eofs


class PersistenceAnchor(nn.Module):
    """The latest anomaly stays as it is."""

    def forward(self, past: Float[Tensor, "batch past channel latitude longitude"]) -> Tensor:
        """Anchor (batch, channel, latitude, longitude)."""
        return past[:, -1]


class LinearAnchor(nn.Module):
    """The next state regressed on the past ones, in the space of the leading empirical orthogonal functions.

    What lies outside the kept functions is anchored to climatology, anomaly zero.

    Args:
        eofs: Functions kept.
        past_states: States regressed on.
        shape: Channels, latitudes, longitudes.

    Source: Penland and Sardeshmukh (1995), doi:10.1175/1520-0442(1995)008<1999:TOGOTS>2.0.CO;2, with lagged predictors
    """

    def __init__(self, *, eofs: int, past_states: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        points = int(np.prod(shape))
        self.register_buffer("analyse", torch.zeros(eofs, points))
        self.register_buffer("propagate", torch.zeros(eofs, eofs * past_states))
        self.register_buffer("synthesise", torch.zeros(points, eofs))

    def forward(self, past: Float[Tensor, "batch past channel latitude longitude"]) -> Tensor:
        """Anchor (batch, channel, latitude, longitude)."""
        scores = past.flatten(2) @ self.get_buffer("analyse").T
        predicted = scores.flatten(1) @ self.get_buffer("propagate").T @ self.get_buffer("synthesise").T
        return predicted.view(past.shape[0], *past.shape[2:])

    def fit(
        self,
        states: Float[Tensor, "time channel latitude longitude"],
        starts: Float[Tensor, "start past_and_next"],
        area_weights: Float[Tensor, "latitude 1"],
    ) -> None:
        """Fit to training states.

        Args:
            states: Standardised anomalies.
            starts: Indices into `states`: the past states of each sample, oldest first, and the next one.
            area_weights: Mean 1.
        """
        eofs = self.get_buffer("propagate").shape[0]
        root = area_weights.expand(states.shape[-2:]).sqrt().expand(states.shape[1:]).flatten()
        flat = states.flatten(1)
        fitted = fit_eofs(flat.numpy(), root.square().numpy(), eofs)
        patterns = torch.from_numpy(np.ascontiguousarray(fitted.patterns, dtype=np.float32))
        analyse = patterns * root
        scores = flat @ analyse.T
        predictors = scores[starts[:, :-1]].flatten(1).double()
        targets = scores[starts[:, -1]].double()
        gram = predictors.T @ predictors
        ridge = 1e-6 * gram.diagonal().mean() * torch.eye(gram.shape[0], dtype=gram.dtype)
        propagate = torch.linalg.solve(gram + ridge, predictors.T @ targets).T
        self.get_buffer("analyse").copy_(analyse)
        self.get_buffer("propagate").copy_(propagate.float())
        self.get_buffer("synthesise").copy_((patterns / root).T)


Anchor = PersistenceAnchor | LinearAnchor
