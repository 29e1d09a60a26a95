"""A network as the anchor: it was trained to predict the mean of the next state."""

from typing import Protocol, Self

from jaxtyping import Float
from torch import Tensor

from forecast.anchors.anchor import Anchor


class MeanPredictor(Protocol):
    """A PyTorch module that predicts the mean of the next state."""

    def expected_state(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Mean of the next state given the past alone."""

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Whether its weights are trained; as `torch.nn.Module` has it."""

    def eval(self) -> Self:
        """Leave training mode; as `torch.nn.Module` has it."""


class MeanAnchor(Anchor):
    """The mean that a trained network predicts from the past states alone.

    Args:
        model: Its weights are not trained any more.
    """

    def __init__(self, model: MeanPredictor) -> None:
        super().__init__()
        self.model = model.requires_grad_(False).eval()

    def predict(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """The mean that the network predicts."""
        return self.model.expected_state(past, scalars)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, also within a model in training, so that nothing is dropped out."""
        del mode
        return super().train(False)
