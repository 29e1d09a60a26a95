"""States of an analysis that are read from the archive when a training needs them."""

from dataclasses import dataclass

import torch
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor

from forecast.states.standardiser import Standardiser


@dataclass(frozen=True)
class ArchivedStates:
    """Standardised states, indexed like a tensor, that are read each time they are asked for.

    Attributes:
        analysis: All analyses of a period, lazily.
        standardiser: Physical fields to the model's anomalies.
    """

    analysis: xr.Dataset
    standardiser: Standardiser

    def __getitem__(self, indices: Int[Tensor, "..."]) -> Float[Tensor, "... channel latitude longitude"]:
        """Read the states at these places in time; each is read once."""
        wanted, places = torch.unique(indices, return_inverse=True)
        # One thread a call: several calls are under way at once.
        read = self.analysis.isel(time=wanted.numpy()).load(scheduler="synchronous")
        return self.standardiser.to_tensor(read)[places]
