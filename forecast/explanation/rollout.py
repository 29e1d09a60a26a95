"""A rollout of members that gradients pass through, step by step in bounded memory.

It makes the members of a forecast from the same noise. What a lead step computes is computed again for its gradients,
so that memory hardly grows with the length of the forecast.

Source: Chen et al. (2016), "Training deep nets with sublinear memory cost", https://arxiv.org/abs/1604.06174
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as recompute

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.members.rollout import Noise, clipped, step_states
from forecast.system.diffusion import Sampler

NOTHING_CHANGED: Mapping[int, Tensor] = {}


def differentiable_rollout(
    checkpoint: Checkpoint,
    sampler: Sampler,
    past: Float[Tensor, "member past channel latitude longitude"],
    init_time: np.datetime64,
    lead_steps: range,
    noise: Noise,
    anchor_changes: Mapping[int, Tensor] = NOTHING_CHANGED,
) -> Iterator[Float[Tensor, "member past channel latitude longitude"]]:
    """Forecast step by step from standardised states, differentiably.

    Args:
        checkpoint: The model, with a single network, on the device of `past`. Its calibration, if any, is applied.
        sampler: The sampler section.
        past: Standardised states before the first lead step, oldest first.
        init_time: Init time of the forecast (lead step 0).
        lead_steps: Lead steps to make, counted from 1.
        noise: Returns the standard normal noise of (lead step, draw), the same tensor each time that it is asked.
        anchor_changes: By lead step, what is added to the anchor's forecast, (member, channel, latitude, longitude).

    Yields:
        The past states after each lead step, oldest first; the last one is the state of the lead time.
    """
    for lead_step in lead_steps:
        drawn, change = partial(noise, lead_step), anchor_changes.get(lead_step)
        make = partial(_next_state, checkpoint, sampler, init_time, lead_step, drawn)
        differentiable = torch.is_grad_enabled()
        state = recompute(make, past, change, use_reentrant=False) if differentiable else make(past, change)
        past = torch.cat([past[:, 1:], state[:, None]], dim=1)
        yield past


def _next_state(
    checkpoint: Checkpoint,
    sampler: Sampler,
    init_time: np.datetime64,
    lead_step: int,
    noise: Callable[[int], Tensor],
    past: Tensor,
    change: Tensor | None,
) -> Tensor:
    with _changed_output(checkpoint.model.anchor, change):
        state = step_states(checkpoint, sampler, past, init_time, lead_step, noise)
    return clipped(checkpoint, state, init_time, lead_step)


@contextmanager
def _changed_output(module: nn.Module, change: Tensor | None) -> Iterator[None]:
    """Add a tensor to what a module returns."""
    if change is None:
        yield
        return

    def added(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        return output + change

    handle = module.register_forward_hook(added)
    try:
        yield
    finally:
        handle.remove()
