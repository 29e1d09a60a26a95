"""The exponential average of a model's weights over a training, which is what a checkpoint holds."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class AveragedWeights:
    """Exponential average of a model's weights; of each, the part that this process holds.

    Args:
        model: The average starts from its weights.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.weights: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, keep: float) -> None:
        """Take the model's weights into the average.

        Args:
            keep: Share of the average so far in the new one.
        """
        for name, parameter in self._model.named_parameters():
            self.weights[name].lerp_(parameter.detach(), 1 - keep)

    def state(self) -> dict[str, Tensor]:
        """Return the state of the model with averaged weights."""
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


def kept_share(iteration: int, batch_size: int, halflife_samples: float) -> float:
    """Share of the average that stays in an update, over a window that grows to its full length with the training.

    Args:
        iteration: Iterations done before this one.
        batch_size: Samples of an iteration.
        halflife_samples: Samples after which a weight counts half, once the window is full.
    """
    halflife = min(halflife_samples, max(1.0, 0.1 * iteration * batch_size))
    return float(0.5 ** (batch_size / halflife))
