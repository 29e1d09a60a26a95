"""An anchor that is a network, trained beforehand to predict the mean of the next state."""

from typing import Protocol, Self

from jaxtyping import Float
from torch import Tensor

from forecast.anchors.anchor import Anchor


class MeanPredictor(Protocol):
    """A PyTorch module that predicts the mean of the next state."""

    def expected_state(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict the mean of the next state from the past states alone."""

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the weights are trained, as `torch.nn.Module` does."""

    def eval(self) -> Self:
        """Leave training mode, as `torch.nn.Module` does."""


class MeanAnchor(Anchor):
    """Predicts the mean of the next state by a trained network.

    Args:
        model: The trained network. Its weights are frozen.
    """

    def __init__(self, model: MeanPredictor) -> None:
        super().__init__()
        self.model = model.requires_grad_(False).eval()

    def predict(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict the next state by the network.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Season, hour of the day and length of the step, from `step_scalars`.
        """
        return self.model.expected_state(past, scalars)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, also inside a model that is trained, so that dropout stays off.

        Args:
            mode: Not used.
        """
        del mode
        return super().train(False)
