"""Training samples: runs of analyses that are one step apart, as standardised tensors.

Their states are kept in memory, or read from the archive as they are needed; the samples and their order are the same.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.errors import MissingDataError
from forecast.parallel.prefetching import mapped_ahead
from forecast.states.conditions import step_scalars
from forecast.states.standardiser import Standardiser
from forecast.system.periods import Period
from forecast.system.system import System
from forecast.training.archived_states import ArchivedStates
from forecast.training.sample_batch import SampleBatch

Loader = Literal["memory", "archive"]
Numbers = Int[Tensor, " batch"]
"""Numbers of samples, counted from 0."""


class SampleSource(Protocol):
    """Where a training takes its samples from."""

    @property
    def parts(self) -> tuple["Samples", ...]:
        """The samples of one period, place and length of a step each."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def batch(self, chosen: Numbers, lead_steps: int | None = None) -> SampleBatch:
        """Return some samples, with `lead_steps` of the states that follow; with all of them when None."""

    def stream(self, choices: Iterable[Numbers], lead_steps: int) -> Generator[SampleBatch, None, None]:
        """Yield the batch of one set of numbers after the other."""

    def without(self, years: Sequence[int]) -> "SampleSource":
        """Return the samples with no state in these calendar years."""


@dataclass(frozen=True)
class Samples:
    """All analyses of a period and the samples among them.

    Attributes:
        states: Standardised states in time, in memory or in the archive.
        scalars: As `step_scalars` gives them, of each state.
        years: Calendar year of each state.
        starts: Past and following states of each sample, as indices into `states`.
        past_states: How many of them are past.
        step_hours: Hours from one of them to the next.
        times: Of each state.
        standardiser: Says where the physical minima are.
        ahead: Batches that are read ahead of their use, each by a thread of its own; 0 for states in memory.
        pin: Whether batches that are read ahead are put into pinned memory, from which copies to a GPU are fast.
    """

    states: Float[Tensor, "time channel latitude longitude"] | ArchivedStates
    scalars: Float[Tensor, "time scalar"]
    years: Int[Tensor, " time"]
    starts: Int[Tensor, "sample past_and_following"]
    past_states: int
    step_hours: int
    times: NDArray[np.datetime64]
    standardiser: Standardiser
    ahead: int = 0
    pin: bool = False

    @property
    def parts(self) -> tuple["Samples", ...]:
        """These samples alone."""
        return (self,)

    def __len__(self) -> int:
        return self.starts.shape[0]

    def batch(self, chosen: Numbers, lead_steps: int | None = None) -> SampleBatch:
        """Return some samples.

        Args:
            chosen: Their numbers.
            lead_steps: How many of the states that follow; all when None.
        """
        length = self.starts.shape[1] if lead_steps is None else self.past_states + lead_steps
        indices = self.starts[chosen, :length]
        states = self.states[indices]
        scalars = self.scalars[indices[:, self.past_states - 1 : -1]]
        following = indices[:, self.past_states :]
        years = self.years[following[:, 0]]
        bounds = None
        if self.standardiser.minima:
            times = self.times[following.flatten().numpy()]
            bounds = self.standardiser.lower_bounds(times).unflatten(0, following.shape)
        return SampleBatch(states[:, : self.past_states], states[:, self.past_states :], scalars, years, bounds)

    def without(self, years: Sequence[int]) -> "Samples":
        """Return the samples with no state in some years.

        Args:
            years: Calendar years.
        """
        elsewhere = ~torch.isin(self.years, torch.tensor(list(years), dtype=self.years.dtype))
        return replace(self, starts=self.starts[elsewhere[self.starts].all(dim=1)])

    def in_steps_of(self, hours: int) -> "Samples":
        """Return the runs of as many of the same states that are another step apart.

        Args:
            hours: Length of the step.

        Raises:
            MissingDataError: There is none.
        """
        starts = _runs(self.times, self.starts.shape[1], hours)
        return replace(self, scalars=step_scalars(self.times, hours), starts=starts, step_hours=hours)

    def stream(self, choices: Iterable[Numbers], lead_steps: int) -> Generator[SampleBatch, None, None]:
        """Yield one batch after the other; those in the archive are read ahead.

        Args:
            choices: Numbers of the samples of each batch.
            lead_steps: How many of the states that follow.

        Raises:
            InvalidDataError: A value is missing, or a chunk of the archive is damaged.
        """
        yield from _streamed(self, choices, lead_steps)


@dataclass(frozen=True)
class JoinedSamples:
    """Samples of several periods, places or lengths of a step, numbered one part after the other.

    Attributes:
        parts: Of one grid and the same channels, all in memory or none; each keeps its own standardisation.
    """

    parts: tuple[Samples, ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def batch(self, chosen: Numbers, lead_steps: int | None = None) -> SampleBatch:
        """Return some samples.

        Args:
            chosen: Their numbers.
            lead_steps: How many of the states that follow; all when None.
        """
        ends = torch.tensor([len(part) for part in self.parts]).cumsum(0)
        owners = torch.searchsorted(ends, chosen, right=True)
        order = owners.argsort(stable=True)
        found = [
            part.batch(chosen[owners == number] - (ends[number] - len(part)), lead_steps)
            for number, part in enumerate(self.parts)
            if (owners == number).any()
        ]
        return _joined(found, order.argsort())

    def stream(self, choices: Iterable[Numbers], lead_steps: int) -> Generator[SampleBatch, None, None]:
        """Yield one batch after the other; those in the archive are read ahead.

        Args:
            choices: Numbers of the samples of each batch.
            lead_steps: How many of the states that follow.

        Raises:
            InvalidDataError: A value is missing, or a chunk of the archive is damaged.
        """
        yield from _streamed(self, choices, lead_steps)

    def without(self, years: Sequence[int]) -> "JoinedSamples":
        """Return the samples with no state in some years.

        Args:
            years: Calendar years.
        """
        return JoinedSamples(tuple(part.without(years) for part in self.parts))


def _streamed(source: Samples | JoinedSamples, choices: Iterable[Numbers], lead_steps: int) -> Iterator[SampleBatch]:
    def read(chosen: Tensor) -> SampleBatch:
        batch = source.batch(chosen, lead_steps)
        return batch.pinned() if source.parts[0].pin else batch

    ahead = source.parts[0].ahead
    return mapped_ahead(read, choices, ahead) if ahead else map(read, choices)


def _joined(parts: Sequence[SampleBatch], order: Numbers) -> SampleBatch:
    """Samples of several parts, in an order of their numbers one after the other."""

    def together(name: str) -> Tensor:
        return torch.cat([getattr(part, name) for part in parts])[order]

    bounds = None if parts[0].lower_bounds is None else together("lower_bounds")
    return SampleBatch(together("past"), together("following"), together("scalars"), together("years"), bounds)


def in_period(analysis: xr.Dataset, period: Period) -> xr.Dataset:
    """Return the analyses of a period.

    Args:
        analysis: Has `time`.
        period: First and last day.

    Raises:
        MissingDataError: There are none.
    """
    chosen = analysis.sel(time=slice(str(period.start), str(period.end)))
    if not chosen.sizes["time"]:
        raise MissingDataError(f"training: expected analyses from {period.start} to {period.end}, found none")
    return chosen


def make_samples(
    analysis: xr.Dataset,
    standardiser: Standardiser,
    system: System,
    *,
    lead_steps: int = 1,
    loader: Loader = "memory",
    pin: bool = False,
) -> Samples:
    """Find every run of states that are one step of a forecast apart: the past states and `lead_steps` after them.

    Args:
        analysis: Of one period; lazy where the loader is `archive`.
        standardiser: Physical fields to the model's anomalies.
        system: Says how long a step is and how many states are past.
        lead_steps: States after the past ones.
        loader: Whether the states are kept in memory or read from the archive as they are needed.
        pin: Whether batches from the archive are put into pinned memory, for a GPU.

    Raises:
        MissingDataError: There is none.
    """
    times, step_hours = analysis["time"].values, system.state.step_hours
    archived = loader == "archive"
    return Samples(
        ArchivedStates(analysis, standardiser) if archived else standardiser.to_tensor(analysis),
        step_scalars(times, step_hours),
        torch.from_numpy(times.astype("datetime64[Y]").astype(np.int64) + 1970),
        _runs(times, system.state.past_states + lead_steps, step_hours),
        system.state.past_states,
        step_hours,
        times,
        standardiser,
        ahead=system.training.read_ahead if archived else 0,
        pin=pin and archived,
    )


def learned_samples(own: Samples, system: System) -> Samples | JoinedSamples:
    """Return samples in steps of every length that a system learns.

    Args:
        own: In steps of the system's own length.
        system: Says which lengths.

    Raises:
        MissingDataError: There is none of one of the lengths.
    """
    parts = tuple(own.in_steps_of(hours) for hours in system.learned_step_hours)
    return JoinedSamples(parts) if len(parts) > 1 else own


def shuffled(count: int, batch_size: int, iteration: int, seed: int) -> Numbers:
    """Return the numbers of the samples of one iteration, where each epoch is a fresh shuffle of all samples.

    Args:
        count: Samples there are.
        batch_size: Samples of an iteration.
        iteration: Counted from 0.
        seed: Of the shuffles.
    """
    positions = np.arange(iteration * batch_size, (iteration + 1) * batch_size)
    epochs = positions // count
    orders = {
        epoch: torch.randperm(count, generator=torch.Generator().manual_seed(seed * 7919 + int(epoch)))
        for epoch in np.unique(epochs)
    }
    picked = [orders[epoch][position % count] for epoch, position in zip(epochs, positions, strict=True)]
    return torch.stack(picked)


def _runs(times: NDArray[np.datetime64], length: int, step_hours: int) -> Int[Tensor, "sample past_and_following"]:
    """Indices of the times of every run of states that follow each other step by step."""
    wanted = times[:, None] + np.arange(length) * np.timedelta64(step_hours, "h")
    indices = np.searchsorted(times, wanted).clip(max=times.size - 1)
    complete = (times[indices] == wanted).all(axis=1)
    if not complete.any():
        raise MissingDataError(
            f"training: expected {length} analyses {step_hours} h apart, found none among {times.size} times"
        )
    return torch.from_numpy(indices[complete].astype(np.int64))
