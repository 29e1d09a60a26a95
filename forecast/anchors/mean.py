"""A network as the anchor: it was trained to predict the mean of the next state."""

from typing import TYPE_CHECKING, Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from forecast.anchors.anchor import Anchor

if TYPE_CHECKING:
    from forecast.model import StepModel

NOTHING_SEEN = 1e4
"""Noise level at which a denoiser sees nothing of the next state, so that it expects the mean over all of them."""


def expected_residual(
    model: "StepModel",
    past: Float[Tensor, "batch past channel latitude longitude"],
    scalars: Float[Tensor, "batch scalar"],
    mirrored: Bool[Tensor, " batch"] | None = None,
) -> Float[Tensor, "batch channel latitude longitude"]:
    """The normalised residual that a model of the lead step expects where noise hides it."""
    start = model.anchor(past, scalars)
    denoiser = model.residual_denoiser(past, start, scalars, mirrored)
    return denoiser(torch.zeros_like(start), start.new_full(start.shape[:1], NOTHING_SEEN))


class MeanAnchor(Anchor):
    """The mean that a denoiser expects where the noise hides everything: a forecast from the past states alone.

    Args:
        model: A model of the lead step, which is asked at that noise level only; its weights are not trained any more.
    """

    def __init__(self, model: "StepModel") -> None:
        super().__init__()
        self.model: StepModel = model.requires_grad_(False).eval()

    def predict(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """The mean that the network expects."""
        residual = expected_residual(self.model, past, scalars)
        return self.model.apply_residual(self.model.anchor(past, scalars), residual, scalars)

    def train(self, mode: bool = True) -> Self:
        """An anchor that is part of a model in training stays as it is: nothing of it is dropped out."""
        del mode
        return super().train(False)
