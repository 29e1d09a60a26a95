"""Weights as a checkpoint keeps them: in half precision, or as bytes with a scale for each block of them."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import pad

from forecast.system.training import WeightForm

NETWORK = "network."
"""Begin of the names of weights that are kept in a smaller form; all others are kept as they are."""
SCALE = ".scale"
BLOCK = 64
LARGEST = 127


def pack(weights: Mapping[str, Tensor], form: WeightForm) -> dict[str, Tensor]:
    """Weights to be written.

    Args:
        weights: State of a `StepModel`.
        form: Of the network's weights; with `int8`, its vectors are kept in half precision.

    Returns:
        The same names; a tensor of bytes has another beside it, one scale for every `BLOCK` values in order.
    """
    result = {}
    for name, given in weights.items():
        value = given.detach().contiguous().cpu()
        if not name.startswith(NETWORK):
            result[name] = value
        elif form == "float16" or value.ndim < 2:
            result[name] = value.half()
        else:
            result[name], result[name + SCALE] = _as_bytes(value)
    return result


def unpack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights that were `pack`, in single precision.

    Raises:
        ValueError: A tensor of bytes has no scales that fit.
    """
    weights = {}
    for name, value in tensors.items():
        if value.dtype == torch.int8:
            weights[name] = _from_bytes(name, value, tensors.get(name + SCALE))
        elif tensors.get(name.removesuffix(SCALE), value).dtype != torch.int8:
            weights[name] = value.float()
    return weights


def _as_bytes(value: Tensor) -> tuple[Tensor, Tensor]:
    blocks = _blocks(value)
    scale = blocks.abs().amax(1) / LARGEST
    steps = (blocks / scale.where(scale > 0, 1.0)[:, None]).round()
    return steps.to(torch.int8).flatten()[: value.numel()].reshape(value.shape), scale


def _from_bytes(name: str, value: Tensor, scale: Tensor | None) -> Tensor:
    blocks = _blocks(value.float())
    if scale is None or scale.shape != blocks.shape[:1]:
        found = "none" if scale is None else str(scale.numel())
        raise ValueError(f"{name}: expected {len(blocks)} scales, found {found}")
    return (blocks * scale[:, None]).flatten()[: value.numel()].reshape(value.shape)


def _blocks(value: Tensor) -> Tensor:
    """Values in their order, a block a row; zeros after the last."""
    return pad(value.flatten(), (0, -value.numel() % BLOCK)).reshape(-1, BLOCK)
