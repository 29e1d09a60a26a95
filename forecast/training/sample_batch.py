"""A batch of training samples, as the objectives take it."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class SampleBatch:
    """Some samples: states that a forecast starts from, and those that follow, as standardised anomalies.

    Attributes:
        past: States that a forecast starts from, oldest first.
        following: The states after them, one for each lead step.
        scalars: As `step_scalars` gives them, at the start of each lead step.
        years: Calendar year of the first of the states that follow.
        lower_bounds: Physical minima at the times of the states that follow, minus infinity where there is none; None
            where no channel has one.
        mirrored: Which samples the network sees mirrored at the equator; None where it sees all as they are.
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
            device: Where to.
        """
        return replace(
            self,
            past=self.past.to(device, non_blocking=True),
            following=self.following.to(device, non_blocking=True),
            scalars=self.scalars.to(device, non_blocking=True),
            lower_bounds=None if self.lower_bounds is None else self.lower_bounds.to(device, non_blocking=True),
        )

    def pinned(self) -> "SampleBatch":
        """Return the same samples in pinned memory, from which copies to a GPU run beside the computation."""
        return replace(
            self,
            past=self.past.pin_memory(),
            following=self.following.pin_memory(),
            scalars=self.scalars.pin_memory(),
            lower_bounds=None if self.lower_bounds is None else self.lower_bounds.pin_memory(),
        )
