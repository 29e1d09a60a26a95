"""A batch of training samples, the input of the objectives."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class SampleBatch:
    """A batch of samples: past states and the states that follow them, as standardised anomalies.

    Attributes:
        past: States that a forecast starts from, oldest first.
        following: The states after them, one for each lead step.
        scalars: Season, hour of the day and length of the step, from `step_scalars`, at the start of each lead step.
        years: Calendar year of the first following state.
        lower_bounds: Physical minima at the times of the following states, minus infinity for channels without one;
            None if no channel has one.
        mirrored: Which samples the network sees reflected at the equator; None for none.
    """

    past: Float[Tensor, "batch past channel latitude longitude"]
    following: Float[Tensor, "batch lead_step channel latitude longitude"]
    scalars: Float[Tensor, "batch lead_step scalar"]
    years: Int[Tensor, " batch"]
    lower_bounds: Float[Tensor, "batch lead_step channel latitude longitude"] | None = None
    mirrored: Bool[Tensor, " batch"] | None = None

    def to(self, device: torch.device | str) -> "SampleBatch":
        """Return the same samples on a device; calendar years stay on the CPU.

        Args:
            device: The PyTorch device.
        """
        return replace(
            self,
            past=self.past.to(device, non_blocking=True),
            following=self.following.to(device, non_blocking=True),
            scalars=self.scalars.to(device, non_blocking=True),
            lower_bounds=None if self.lower_bounds is None else self.lower_bounds.to(device, non_blocking=True),
        )

    def pinned(self) -> "SampleBatch":
        """Return the same samples in pinned memory, from which copies to a GPU overlap with computation."""
        return replace(
            self,
            past=self.past.pin_memory(),
            following=self.following.pin_memory(),
            scalars=self.scalars.pin_memory(),
            lower_bounds=None if self.lower_bounds is None else self.lower_bounds.pin_memory(),
        )
