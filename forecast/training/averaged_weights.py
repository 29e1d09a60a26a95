"""The exponential average of a model's weights over a training: what a checkpoint holds."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class AveragedWeights:
    """Averages of a model's weights, of each the part that this process holds.

    Args:
        model: Its weights are where the average starts; afterwards they are its own again.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.weights: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, keep: float) -> None:
        """Take in the model's weights; `keep` is the share that stays of what the average was."""
        for name, parameter in self._model.named_parameters():
            self.weights[name].lerp_(parameter.detach(), 1 - keep)

    def state(self) -> dict[str, Tensor]:
        """State of the model, its weights averaged."""
        return {**self._model.state_dict(), **self.weights}

    @torch.no_grad()
    def adopt(self) -> None:
        """Give the model the averaged weights for good."""
        for name, parameter in self._model.named_parameters():
            parameter.copy_(self.weights[name])

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Let the model compute with the averaged weights, and give it its own back."""
        own = {name: parameter.detach().clone() for name, parameter in self._model.named_parameters()}
        self.adopt()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in self._model.named_parameters():
                    parameter.copy_(own[name])
