"""What a step of the forecast knows: past states, static fields, where the sun stands, and how long the step is."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.statistics.climatology import annual_basis

SCALARS = 7
"""Season (two harmonics) and hour of the day (one), each as cosine and sine, and the lead time of the step."""


def step_scalars(
    times: NDArray[np.datetime64], step_hours: float | NDArray[np.float64]
) -> Float[Tensor, "time scalar"]:
    """Season and hour of the day as smooth, periodic numbers, and the lead time of the step.

    Args:
        times: Where each step starts.
        step_hours: Hours to the next state, of each step or of all; enters as its logarithm, 0 for 24 hours.
    """
    hours = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")
    hour = 2 * np.pi * hours / 24.0
    lead = np.broadcast_to(np.log(np.asarray(step_hours) / 24.0), times.shape)
    columns = [annual_basis(times, harmonics=2)[:, 1:], np.stack([np.cos(hour), np.sin(hour), lead], axis=1)]
    return torch.from_numpy(np.concatenate(columns, axis=1).astype(np.float32))


def step_numbers(scalars: Float[Tensor, "batch scalar"], step_hours: Sequence[int]) -> Int[Tensor, " batch"]:
    """Which of some lengths of a step each sample's is.

    Args:
        scalars: As `step_scalars` gives them.
        step_hours: The lengths.
    """
    known = torch.tensor([hours / 24.0 for hours in step_hours], device=scalars.device).log()
    return (scalars[:, -1:] - known).abs().argmin(dim=1)


def condition_maps(
    past: Float[Tensor, "batch past channel latitude longitude"],
    anchor: Float[Tensor, "batch channel latitude longitude"],
    static: Float[Tensor, "static latitude longitude"],
    position: Float[Tensor, "position latitude longitude"],
) -> Float[Tensor, "batch map latitude longitude"]:
    """All maps that condition a step, stacked: past states, the anchor's forecast, static and position fields."""
    batch = past.shape[0]
    fixed = torch.cat([static, position]).expand(batch, -1, -1, -1)
    return torch.cat([past.flatten(1, 2), anchor, fixed], dim=1)
