"""The conditions of a lead step: past states, static fields, season, hour of the day, and the step's length."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.statistics.climatology import annual_basis

SCALARS = 7
"""Numbers in the scalar condition: cosine and sine of two annual harmonics and one daily one, and the step's length."""


def step_scalars(
    times: NDArray[np.datetime64], step_hours: float | NDArray[np.float64]
) -> Float[Tensor, "time scalar"]:
    """Return season, hour of the day and length of each step as smooth numbers.

    Args:
        times: Valid time of the state that each step starts from, (time,).
        step_hours: Length of each step, or of all, hours. It enters as ln(step_hours / 24).
    """
    hours = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")
    hour = 2 * np.pi * hours / 24.0
    length = np.broadcast_to(np.log(np.asarray(step_hours) / 24.0), times.shape)
    columns = [annual_basis(times, harmonics=2)[:, 1:], np.stack([np.cos(hour), np.sin(hour), length], axis=1)]
    return torch.from_numpy(np.concatenate(columns, axis=1).astype(np.float32))


def step_length_indices(scalars: Float[Tensor, "batch scalar"], step_hours: Sequence[int]) -> Int[Tensor, " batch"]:
    """Return the index of each sample's step length among those that a model learns.

    Args:
        scalars: Scalar conditions, from `step_scalars`.
        step_hours: Step lengths that the model learns, hours.
    """
    known = torch.tensor([hours / 24.0 for hours in step_hours], device=scalars.device).log()
    return (scalars[:, -1:] - known).abs().argmin(dim=1)


def condition_maps(
    past: Float[Tensor, "batch past channel latitude longitude"],
    anchor: Float[Tensor, "batch channel latitude longitude"],
    static: Float[Tensor, "static latitude longitude"],
    position: Float[Tensor, "position latitude longitude"],
) -> Float[Tensor, "batch map latitude longitude"]:
    """Stack all maps that condition a step, in the order of the arguments.

    Args:
        past: Past states, standardised anomalies, oldest first.
        anchor: The anchor's forecast of the next state.
        static: Static fields, scaled.
        position: Learned maps that tell the network where it is.
    """
    batch = past.shape[0]
    fixed = torch.cat([static, position]).expand(batch, -1, -1, -1)
    return torch.cat([past.flatten(1, 2), anchor, fixed], dim=1)
