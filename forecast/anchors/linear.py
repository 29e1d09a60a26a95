"""An anchor that regresses the next state on past ones in the space of the leading patterns of variability."""

import numpy as np
import torch
from jaxtyping import Float, Inexact, Int
from torch import Tensor

from data_catalog.statistics.eofs import fit_eofs
from forecast.anchors.anchor import FittedAnchor

RIDGE = 1e-6
"""Ridge of the regression: added to the diagonal of the predictors' covariance, relative to the diagonal's mean."""


class LinearAnchor(FittedAnchor):
    """Regresses the next state on past ones in the space of the leading empirical orthogonal functions.

    What the kept functions do not describe is predicted to be zero anomaly, the climatology.

    Args:
        eofs: Number of functions kept.
        past_states: Number of past states that the next one is regressed on.
        shape: Numbers of channels, latitudes and longitudes.

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
        """Return another anchor with the same options, not fitted."""
        return LinearAnchor(eofs=self.eofs, past_states=self.past_states, shape=self.shape)

    def predict(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict the next state by the fitted regression.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Not used.
        """
        del scalars
        amplitudes = past.flatten(2) @ self.get_buffer("analyse").T
        predicted = amplitudes.flatten(1) @ self.get_buffer("propagate").T @ self.get_buffer("synthesise").T
        return predicted.view(past.shape[0], *past.shape[2:])

    def fit(
        self,
        states: Float[Tensor, "time channel latitude longitude"],
        starts: Int[Tensor, "sample past_and_next"],
        area_weights: Float[Tensor, "latitude 1"],
    ) -> None:
        """Fit to training states.

        Args:
            states: Standardised anomalies.
            starts: For each sample, the indices in `states` of its past states, oldest first, and of the next one.
            area_weights: Weight of each latitude, mean 1.

        Raises:
            ValueError: There are fewer states, or fewer values in a state, than functions to keep.
        """
        root = area_weights.expand(states.shape[-2:]).sqrt().expand(states.shape[1:]).flatten()
        flat = states.flatten(1)
        if self.eofs > min(flat.shape):
            raise ValueError(
                f"eofs: expected at most {min(flat.shape)}, the number of states or values, found {self.eofs}"
            )
        fitted = fit_eofs(flat.numpy(), root.square().numpy(), self.eofs)
        patterns = torch.from_numpy(np.ascontiguousarray(fitted.patterns, dtype=np.float32))
        analyse = patterns * root
        amplitudes = flat @ analyse.T
        predictors = amplitudes[starts[:, :-1]].flatten(1).double()
        propagate = regression(predictors, amplitudes[starts[:, -1]].double(), RIDGE)
        self.get_buffer("analyse").copy_(analyse)
        self.get_buffer("propagate").copy_(propagate.float())
        self.get_buffer("synthesise").copy_((patterns / root).T)


def regression(
    predictors: Inexact[Tensor, "sample predictor"], targets: Inexact[Tensor, "sample target"], ridge: float
) -> Inexact[Tensor, "target predictor"]:
    """Return the matrix of a ridge regression, real or complex.

    Args:
        predictors: Known values.
        targets: Values to predict from them.
        ridge: Added to the diagonal of the predictors' covariance, relative to the diagonal's mean.

    Returns:
        The matrix whose product with a column of predictors is the predicted column of targets.
    """
    gram = predictors.mH @ predictors
    scale = ridge * gram.diagonal().real.mean().clamp_min(torch.finfo(torch.float32).tiny)
    gram = gram + scale * torch.eye(gram.shape[0], dtype=gram.dtype)
    solution: Tensor = torch.linalg.solve(gram, predictors.mH @ targets).mT
    return solution
