"""The optimiser: AdamW for all weights, or Muon for the hidden matrices and AdamW for the rest."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from forecast.training.muon import Muon
from forecast.training.precision import fast_precision

AT_THE_BORDER = ("entry", "exit", "embedding", "modulation", "position", "log_variance")
"""Parts of the names of weights that connect the network to its inputs, outputs and conditions."""


class Optimiser:
    """Updates all weights of a model, and exposes the tensors that a resumed training needs.

    Args:
        model: The model, whose parameters are optimised.
        kind: `adamw`, or `muon`: orthogonalised momentum for hidden matrices and convolution kernels, each kernel as a
            matrix of outputs by everything else; AdamW for norms, biases, embeddings, and the first and last layers.
        learning_rate: Initial learning rate. Muon's updates are scaled to the size of AdamW's, so that one rate serves
            both.
        weight_decay: Decoupled weight decay.

    Source: Loshchilov and Hutter (2019), arXiv:1711.05101; Jordan et al. (2024), kellerjordan.github.io/posts/muon,
        scaled as in Liu et al. (2025), arXiv:2502.16982
    """

    def __init__(self, model: nn.Module, kind: str, *, learning_rate: float, weight_decay: float) -> None:
        named = dict(model.named_parameters())
        hidden = {name for name, value in named.items() if kind == "muon" and _is_hidden_matrix(name, value)}
        self._matrices = {name: _as_matrix(named[name]) for name in sorted(hidden)}
        self._others = {name: value for name, value in named.items() if name not in hidden}
        self._named = named
        self._parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(self._others.values(), lr=learning_rate, betas=(0.9, 0.99), weight_decay=weight_decay)
        ]
        for value in self._others.values():
            self._parts[0].state[value] = {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(value),
                "exp_avg_sq": torch.zeros_like(value),
            }
        if self._matrices:
            muon = Muon(
                self._matrices.values(),
                lr=learning_rate,
                weight_decay=weight_decay,
                precision=fast_precision(next(iter(named.values())).device),
            )
            for value in self._matrices.values():
                muon.state[value] = {"momentum_buffer": torch.zeros_like(value)}
            self._parts.append(muon)

    def set_learning_rate(self, learning_rate: float) -> None:
        """Set the learning rate of the next step."""
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = learning_rate

    def zero_grad(self) -> None:
        """Clear the gradients."""
        for value in self._named.values():
            value.grad = None

    def step(self) -> None:
        """Update all weights from their gradients."""
        for name, matrix in self._matrices.items():
            gradient = self._named[name].grad
            matrix.grad = None if gradient is None else _flatten(gradient, self._named[name])
        for part in self._parts:
            part.step()

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield name and tensor of all optimiser state; a resumed training overwrites these tensors."""
        for part, values in zip(self._parts, (self._others, self._matrices), strict=False):
            for name, value in values.items():
                for key, tensor in part.state[value].items():
                    yield f"{key}.{name}", tensor


def scheduled_learning_rate(peak: float, iteration: int, iterations: int, warmup_iterations: int) -> float:
    """Return the learning rate of an iteration: a linear warm-up times a half cosine down to 1 % of the peak.

    Args:
        peak: Learning rate at the end of the warm-up.
        iteration: Number of iterations done before this one.
        iterations: Number of iterations of the stage.
        warmup_iterations: Number of iterations of the warm-up.
    """
    warmup = min(1.0, (iteration + 1) / max(1, warmup_iterations))
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, iteration / iterations)))
    return peak * warmup * (0.01 + 0.99 * cosine)


def _is_hidden_matrix(name: str, value: Tensor) -> bool:
    return value.ndim in (2, 4) and not any(part in name for part in AT_THE_BORDER)


def _as_matrix(parameter: nn.Parameter) -> nn.Parameter:
    """Return a view of the parameter as a matrix."""
    matrix = _flatten(parameter.detach(), parameter)
    assert matrix.data_ptr() == parameter.data_ptr(), "a kernel without gaps"
    return nn.Parameter(matrix)


def _flatten(value: Tensor, parameter: nn.Parameter) -> Tensor:
    """Return a kernel (out, in, height, width) as a matrix, in the memory order of the parameter."""
    if value.ndim == 4 and not parameter.is_contiguous():
        return value.permute(0, 2, 3, 1).flatten(1)
    return value.flatten(1)
