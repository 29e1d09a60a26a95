"""The exponential moving average of a model's weights over a training, which checkpoints hold."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class AveragedWeights:
    """The exponential moving average of a model's weights; of sharded weights, this process's part.

    Args:
        model: The model, whose weights are the initial average.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.weights: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, keep: float) -> None:
        """Add the model's weights to the average.

        Args:
            keep: Share of the previous average in the new one.
        """
        for name, parameter in self._model.named_parameters():
            self.weights[name].lerp_(parameter.detach(), 1 - keep)

    def state(self) -> dict[str, Tensor]:
        """Return the state of the model with averaged weights."""
        return {**self._model.state_dict(), **self.weights}

    @torch.no_grad()
    def adopt(self) -> None:
        """Replace the model's weights by the averaged ones."""
        for name, parameter in self._model.named_parameters():
            parameter.copy_(self.weights[name])

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Use the averaged weights in the model while the block runs, then restore its own."""
        own = {name: parameter.detach().clone() for name, parameter in self._model.named_parameters()}
        self.adopt()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in self._model.named_parameters():
                    parameter.copy_(own[name])


def kept_share(iteration: int, batch_size: int, halflife_samples: float) -> float:
    """Return the share of the previous average in an update; early in a training the averaging window is shorter.

    Args:
        iteration: Number of iterations done before this one.
        batch_size: Samples per iteration.
        halflife_samples: Half-life of the full window, in samples.
    """
    halflife = min(halflife_samples, max(1.0, 0.1 * iteration * batch_size))
    return float(0.5 ** (batch_size / halflife))
