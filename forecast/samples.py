"""Training samples: runs of analyses that are one step apart, as standardised tensors in memory."""

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.errors import MissingDataError
from forecast.batches import Standardiser
from forecast.conditioning import step_scalars
from forecast.system import Period, System


@dataclass(frozen=True)
class Windows:
    """Some samples.

    Attributes:
        past: States that a forecast starts from, oldest first.
        following: The states after them, one a lead step.
        scalars: As `step_scalars` gives them, at the start of each lead step.
    """

    past: Float[Tensor, "batch past channel latitude longitude"]
    following: Float[Tensor, "batch lead_step channel latitude longitude"]
    scalars: Float[Tensor, "batch lead_step scalar"]

    def to(self, device: torch.device) -> "Windows":
        """The same samples on a device."""
        return Windows(self.past.to(device), self.following.to(device), self.scalars.to(device))


@dataclass(frozen=True)
class Samples:
    """All analyses of a period and the samples among them.

    Attributes:
        states: Standardised states, in time.
        scalars: As `step_scalars` gives them, of each.
        starts: Past and following states of each sample, as indices into `states`.
        past_states: How many of them are past.
    """

    states: Float[Tensor, "time channel latitude longitude"]
    scalars: Float[Tensor, "time scalar"]
    starts: Int[Tensor, "sample past_and_following"]
    past_states: int

    def __len__(self) -> int:
        return self.starts.shape[0]

    def windows(self, chosen: Int[Tensor, " batch"]) -> Windows:
        """The samples of these numbers."""
        indices = self.starts[chosen]
        past, following = indices[:, : self.past_states], indices[:, self.past_states :]
        return Windows(self.states[past], self.states[following], self.scalars[indices[:, self.past_states - 1 : -1]])


def in_period(analysis: xr.Dataset, period: Period) -> xr.Dataset:
    """The analyses of a period.

    Raises:
        MissingDataError: There are none.
    """
    chosen = analysis.sel(time=slice(str(period.start), str(period.end)))
    if not chosen.sizes["time"]:
        raise MissingDataError(f"training: expected analyses from {period.start} to {period.end}, found none")
    return chosen


def make_samples(analysis: xr.Dataset, standardiser: Standardiser, system: System, *, lead_steps: int = 1) -> Samples:
    """Find every run of states that are one step apart: the past states and `lead_steps` after them.

    Raises:
        MissingDataError: There is none.
    """
    times = analysis["time"].values
    past_states = system.state.past_states
    starts = _consecutive(times, np.timedelta64(system.state.step_hours, "h"), past_states + lead_steps)
    if not starts.size:
        wanted = f"{past_states + lead_steps} analyses {system.state.step_hours} h apart"
        raise MissingDataError(f"training: expected {wanted}, found none among {times.size} times")
    return Samples(
        standardiser.to_tensor(analysis),
        step_scalars(times, system.state.step_hours),
        torch.from_numpy(starts),
        past_states,
    )


def shuffled(count: int, batch_size: int, iteration: int, seed: int) -> Int[Tensor, " batch"]:
    """Numbers of the samples of one iteration: each epoch is a fresh shuffle of all."""
    positions = np.arange(iteration * batch_size, (iteration + 1) * batch_size)
    epochs = positions // count
    orders = {
        epoch: torch.randperm(count, generator=torch.Generator().manual_seed(seed * 7919 + int(epoch)))
        for epoch in np.unique(epochs)
    }
    picked = [orders[epoch][position % count] for epoch, position in zip(epochs, positions, strict=True)]
    return torch.stack(picked)


def _consecutive(times: NDArray[np.datetime64], step: np.timedelta64, length: int) -> NDArray[np.int64]:
    wanted = times[:, None] + np.arange(length) * step
    indices = np.searchsorted(times, wanted).clip(max=times.size - 1)
    complete = (times[indices] == wanted).all(axis=1)
    result: NDArray[np.int64] = indices[complete].astype(np.int64)
    return result
