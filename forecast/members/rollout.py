"""The rollout of members through lead times, a generator, so that memory does not grow with the forecast length."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.members.portions import Portions
from forecast.model.advance import advance, censored
from forecast.states.conditions import step_scalars
from forecast.system.diffusion import Sampler

_LOCK = Lock()
_before: list[list[str]] = []
"""The precision that is restored when the last of several threads leaves full float32; one entry for each inside."""
Noise = Callable[[int, int], Tensor]
"""Returns the standard normal noise of (lead step, draw), (member, channel, latitude, longitude). Draw 0 starts the
sampler."""


def rollout(
    checkpoint: Checkpoint,
    sampler: Sampler,
    past: Float[Tensor, "member past channel latitude longitude"],
    init_time: np.datetime64,
    lead_steps: range,
    noise: Noise,
    portions: Portions | None = None,
) -> Iterator[Float[Tensor, "member channel latitude longitude"]]:
    """Forecast step by step from standardised states.

    Args:
        checkpoint: The model, with a single network, on the device of `past`. Its calibration, if any, is applied.
        sampler: The sampler section; a calibration replaces it by its own.
        past: Standardised states before the first lead step, oldest first.
        init_time: Init time of the forecast (lead step 0).
        lead_steps: Lead steps to make, counted from 1; a start above 1 continues a forecast from `past`.
        noise: Independent standard normal noise for each lead step and draw.
        portions: How many members are computed together where memory is short, shared by the batches of a forecast;
            None for this batch alone.

    Yields:
        The standardised state after each lead step.

    Raises:
        ConfigurationError: Memory is short for a single member.
    """
    portions = portions or Portions(str(past.device))
    for lead_step in lead_steps:
        drawn = lru_cache(maxsize=1)(partial(noise, lead_step))  # portions share the noise of a draw
        make = partial(_make_states, checkpoint, sampler, past, init_time, lead_step, drawn)
        state = clipped(checkpoint, portions.compute(len(past), make), init_time, lead_step).contiguous()
        yield state
        past = torch.cat([past[:, 1:], state[:, None]], dim=1)


def step_states(
    checkpoint: Checkpoint,
    sampler: Sampler,
    past: Float[Tensor, "member past channel latitude longitude"],
    init_time: np.datetime64,
    lead_step: int,
    noise: Callable[[int], Tensor],
) -> Float[Tensor, "member channel latitude longitude"]:
    """Return the standardised states after one lead step, before they are clipped; differentiable.

    Args:
        checkpoint: The model, with a single network, on the device of `past`. Its calibration, if any, is applied.
        sampler: The sampler section; a calibration replaces it by its own.
        past: Standardised states before the lead step, oldest first.
        init_time: Init time of the forecast (lead step 0).
        lead_step: Counted from 1.
        noise: Returns the standard normal noise of a draw, of the members in `past`.
    """
    hours, fitted = checkpoint.system.state.step_hours, checkpoint.calibration
    start_time = _after(init_time, lead_step - 1, hours)
    scalars = step_scalars(np.array([start_time]), hours).to(past.device)
    with full_float32():
        return advance(
            checkpoint.model,
            sampler if fitted is None else fitted.sampler,
            past,
            scalars.expand(past.shape[0], -1),
            noise,
            None if fitted is None else fitted.correction(lead_step),
        )


def clipped(
    checkpoint: Checkpoint,
    state: Float[Tensor, "member channel latitude longitude"],
    init_time: np.datetime64,
    lead_step: int,
) -> Float[Tensor, "member channel latitude longitude"]:
    """Return the states of a lead step, clipped at physical minima.

    Args:
        checkpoint: The model.
        state: From `step_states`.
        init_time: Init time of the forecast (lead step 0).
        lead_step: Counted from 1.
    """
    valid_time = _after(init_time, lead_step, checkpoint.system.state.step_hours)
    return censored(state, checkpoint.standardiser.lower_bounds(np.array([valid_time])).to(state.device))


def _after(init_time: np.datetime64, lead_steps: int, step_hours: int) -> np.datetime64:
    time: np.datetime64 = init_time.astype("datetime64[ns]") + lead_steps * np.timedelta64(step_hours, "h")
    return time


@torch.inference_mode()
def _make_states(
    checkpoint: Checkpoint,
    sampler: Sampler,
    past: Tensor,
    init_time: np.datetime64,
    lead_step: int,
    noise: Callable[[int], Tensor],
    members: slice,
) -> Tensor:
    """Return the next states of the members at some positions of a batch."""
    return step_states(checkpoint, sampler, past[members], init_time, lead_step, lambda draw: noise(draw)[members])


@contextmanager
def full_float32() -> Iterator[None]:
    """Compute convolutions and matrix products in full float32, because members must not depend on the device.

    Some GPUs round the operands to ten bits by default (TF32), which changes members a hundred times as much as another
    batch size does; so do GPUs and processors for which the process has lowered the precision.
    """
    operations = (
        torch.backends.cudnn.conv,  # type: ignore[attr-defined]
        torch.backends.cuda.matmul,
        torch.backends.mkldnn.conv,  # type: ignore[attr-defined]
        torch.backends.mkldnn.matmul,  # type: ignore[attr-defined]
    )
    with _LOCK:
        _before.append(_before[0] if _before else [operation.fp32_precision for operation in operations])
        for operation in operations:
            operation.fp32_precision = "ieee"
    try:
        yield
    finally:
        with _LOCK:
            before = _before.pop()
            for operation, precision in zip(operations, () if _before else before, strict=not _before):
                operation.fp32_precision = precision
