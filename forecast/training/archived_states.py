"""States that a training reads from the archive when it needs them."""

from dataclasses import dataclass

import torch
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor

from forecast.states.standardiser import Standardiser


@dataclass(frozen=True)
class ArchivedStates:
    """Standardised states that are indexed like a tensor and read on each access.

    Attributes:
        analysis: All analyses of a period, lazy.
        standardiser: Converts physical fields to standardised anomalies.
    """

    analysis: xr.Dataset
    standardiser: Standardiser

    def __getitem__(self, indices: Int[Tensor, "..."]) -> Float[Tensor, "... channel latitude longitude"]:
        """Read the states at these time indices; repeated indices are read once."""
        wanted, places = torch.unique(indices, return_inverse=True)
        # One thread per call, because several calls run at once.
        read = self.analysis.isel(time=wanted.numpy()).load(scheduler="synchronous")
        return self.standardiser.to_tensor(read)[places]
