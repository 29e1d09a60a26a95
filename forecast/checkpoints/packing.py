"""The storage format of weights: half precision, or bytes with one scale for each block of weights."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import pad

from forecast.system.training import WeightForm

NETWORK = "network."
"""Prefix of the names of weights that are stored in a smaller format; all others are stored unchanged."""
SCALE = ".scale"
BLOCK = 64
LARGEST = 127


def pack(weights: Mapping[str, Tensor], form: WeightForm) -> dict[str, Tensor]:
    """Convert weights to their storage format.

    Args:
        weights: State of a `StepModel`.
        form: Format of the network's weights; with `int8`, vectors are stored in half precision.

    Returns:
        Tensors under the same names; each tensor of bytes is accompanied by a tensor of scales, one for every `BLOCK`
        values in order.
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
    """Convert stored weights back to single precision.

    Args:
        tensors: Tensors by name, as returned by `pack`.

    Raises:
        ValueError: A tensor of bytes has no matching scales.
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
    """Return the values in order, one block per row, padded with zeros."""
    return pad(value.flatten(), (0, -value.numel() % BLOCK)).reshape(-1, BLOCK)
