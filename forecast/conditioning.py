"""What a step of the forecast knows: past states, static fields, and where the sun stands."""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.climatology import annual_basis

SCALARS = 6
"""Season (two harmonics) and hour of the day (one), each as sine and cosine."""


def season_and_hour(times: NDArray[np.datetime64]) -> Float[Tensor, "time scalar"]:
    """Season and hour of the day as smooth, periodic numbers."""
    hours = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")
    hour = 2 * np.pi * hours / 24.0
    columns = [annual_basis(times, harmonics=2)[:, 1:], np.cos(hour)[:, None], np.sin(hour)[:, None]]
    return torch.from_numpy(np.concatenate(columns, axis=1).astype(np.float32))


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
