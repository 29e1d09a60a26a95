"""Muon: momentum made orthogonal, in the precision that the device is fast in."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

_MOMENTUM = 0.95
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_SMALLEST_NORM = 1e-7
_SIZE_OF_ADAMW = 0.2


class Muon(torch.optim.Optimizer):
    """Updates matrices by their orthogonalised momentum, with Nesterov's correction and decoupled weight decay.

    `torch.optim.Muon` always orthogonalises in bfloat16, which costs more than all the rest of a training on processors
    that do not compute with it.

    Args:
        matrices: Parameters of two dimensions, with a `momentum_buffer` each in the optimiser's state.
        lr: Learning rate; updates have the size of AdamW's.
        weight_decay: Decoupled weight decay.
        precision: Type to orthogonalise in.

    Source: Jordan et al. (2024), kellerjordan.github.io/posts/muon; scaled as in Liu et al. (2025), arXiv:2502.16982
    """

    def __init__(self, matrices: Iterable[Tensor], *, lr: float, weight_decay: float, precision: torch.dtype) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})
        self.precision = precision

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update all matrices that have a gradient."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._update(matrix, matrix.grad, group["lr"], group["weight_decay"])

    def _update(self, matrix: Tensor, gradient: Tensor, lr: float, weight_decay: float) -> None:
        momentum = self.state[matrix]["momentum_buffer"]
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        update = orthogonalised(gradient.lerp(momentum, _MOMENTUM).to(self.precision))
        matrix.mul_(1 - lr * weight_decay)
        matrix.add_(update, alpha=-lr * _SIZE_OF_ADAMW * math.sqrt(max(matrix.shape)))


def orthogonalised(matrix: Tensor) -> Tensor:
    """Return the nearest orthogonal matrix, roughly: singular values between 0.7 and 1.2, in few multiplications.

    Args:
        matrix: A matrix, in the precision to compute in.

    Source: Newton-Schulz iteration with the coefficients of Jordan et al. (2024)
    """
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=_SMALLEST_NORM)
    a, b, c = _COEFFICIENTS
    for _ in range(_ROUNDS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
