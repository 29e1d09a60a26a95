"""The next state regressed on past ones, in the space of a few patterns."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from data_catalog.errors import ConfigurationError
from data_catalog.statistics.eofs import fit_eofs
from forecast.anchors.anchor import FittedAnchor

RIDGE = 1e-6
"""Added to the diagonal of the predictors' covariance, relative to its mean."""


class LinearAnchor(FittedAnchor):
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
        self.eofs, self.past_states, self.shape = eofs, past_states, shape
        points = int(np.prod(shape))
        self.register_buffer("analyse", torch.zeros(eofs, points))
        self.register_buffer("propagate", torch.zeros(eofs, eofs * past_states))
        self.register_buffer("synthesise", torch.zeros(points, eofs))

    def fresh(self) -> "LinearAnchor":
        """Another one of the same shape, not fitted."""
        return LinearAnchor(eofs=self.eofs, past_states=self.past_states, shape=self.shape)

    def predict(self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Tensor) -> Tensor:
        """Regression on the past states."""
        del scalars
        scores = past.flatten(2) @ self.get_buffer("analyse").T
        predicted = scores.flatten(1) @ self.get_buffer("propagate").T @ self.get_buffer("synthesise").T
        return predicted.view(past.shape[0], *past.shape[2:])

    def fit(
        self,
        states: Float[Tensor, "time channel latitude longitude"],
        starts: Int[Tensor, "sample past_and_next"],
        area_weights: Float[Tensor, "latitude 1"],
    ) -> None:
        """See `FittedAnchor.fit`."""
        root = area_weights.expand(states.shape[-2:]).sqrt().expand(states.shape[1:]).flatten()
        flat = states.flatten(1)
        if self.eofs > min(flat.shape):
            raise ConfigurationError(
                f"anchor.eofs: expected at most {min(flat.shape)}, as there are no more states or values, "
                f"found {self.eofs}"
            )
        fitted = fit_eofs(flat.numpy(), root.square().numpy(), self.eofs)
        patterns = torch.from_numpy(np.ascontiguousarray(fitted.patterns, dtype=np.float32))
        analyse = patterns * root
        scores = flat @ analyse.T
        predictors = scores[starts[:, :-1]].flatten(1).double()
        propagate = regression(predictors, scores[starts[:, -1]].double(), RIDGE)
        self.get_buffer("analyse").copy_(analyse)
        self.get_buffer("propagate").copy_(propagate.float())
        self.get_buffer("synthesise").copy_((patterns / root).T)


def regression(
    predictors: Float[Tensor, "sample predictor"], targets: Float[Tensor, "sample target"], ridge: float
) -> Float[Tensor, "target predictor"]:
    """Least squares, real or complex, with a ridge relative to the mean square of the predictors."""
    gram = predictors.mH @ predictors
    scale = ridge * gram.diagonal().real.mean().clamp_min(torch.finfo(torch.float32).tiny)
    gram = gram + scale * torch.eye(gram.shape[0], dtype=gram.dtype)
    solution: Tensor = torch.linalg.solve(gram, predictors.mH @ targets).mT
    return solution
