"""Training samples: sequences of analyses that are one step apart, as standardised tensors.

Their states are held in memory or read from the archive when needed; samples and their order are the same either way.
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
    """A source of training samples."""

    @property
    def parts(self) -> tuple["Samples", ...]:
        """The parts of the source, each with the samples of one period, place and step length."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def batch(self, chosen: Numbers, lead_steps: int | None = None) -> SampleBatch:
        """Return the samples with the given numbers, with `lead_steps` following states (None for all)."""

    def stream(self, choices: Iterable[Numbers], lead_steps: int) -> Generator[SampleBatch, None, None]:
        """Yield a batch for each set of sample numbers, in order."""

    def without(self, years: Sequence[int]) -> "SampleSource":
        """Return the samples with no state in these calendar years."""


@dataclass(frozen=True)
class Samples:
    """All analyses of a period and the samples among them.

    Attributes:
        states: Standardised states in order of time, in memory or in the archive.
        scalars: Season, hour of the day and length of the step, from `step_scalars`, for each state.
        years: Calendar year of each state.
        starts: Past and following states of each sample, as indices into `states`.
        past_states: Number of past states in a sample.
        step_hours: Hours between successive states of a sample.
        times: Valid time of each state.
        standardiser: Standardiser of the states, which gives the physical minima.
        ahead: Number of batches read ahead, each by its own thread; 0 for states in memory.
        pin: Whether to put batches that are read ahead into pinned memory, from which copies to a GPU are fast.
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
        """These samples as the only part."""
        return (self,)

    def __len__(self) -> int:
        return self.starts.shape[0]

    def batch(self, chosen: Numbers, lead_steps: int | None = None) -> SampleBatch:
        """Return a batch of samples.

        Args:
            chosen: Numbers of the samples.
            lead_steps: Number of following states; None for all.
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
        """Return the samples among the same states with another step length.

        Args:
            hours: Length of the step, hours.

        Raises:
            MissingDataError: There is no such sample.
        """
        starts = _runs(self.times, self.starts.shape[1], hours)
        return replace(self, scalars=step_scalars(self.times, hours), starts=starts, step_hours=hours)

    def stream(self, choices: Iterable[Numbers], lead_steps: int) -> Generator[SampleBatch, None, None]:
        """Yield one batch after the other; batches from the archive are read ahead.

        Args:
            choices: Sample numbers of each batch.
            lead_steps: Number of following states.

        Raises:
            InvalidDataError: A value is missing, or a chunk of the archive is damaged.
        """
        yield from _streamed(self, choices, lead_steps)


@dataclass(frozen=True)
class JoinedSamples:
    """Samples of several periods, places or step lengths, numbered one part after the other.

    Attributes:
        parts: Samples on one grid with the same channels, all in memory or all in the archive; each part keeps its own
            standardisation.
    """

    parts: tuple[Samples, ...]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def batch(self, chosen: Numbers, lead_steps: int | None = None) -> SampleBatch:
        """Return a batch of samples.

        Args:
            chosen: Numbers of the samples.
            lead_steps: Number of following states; None for all.
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
        """Yield one batch after the other; batches from the archive are read ahead.

        Args:
            choices: Sample numbers of each batch.
            lead_steps: Number of following states.

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
    """Concatenate batches of several parts and reorder their samples."""

    def together(name: str) -> Tensor:
        return torch.cat([getattr(part, name) for part in parts])[order]

    bounds = None if parts[0].lower_bounds is None else together("lower_bounds")
    return SampleBatch(together("past"), together("following"), together("scalars"), together("years"), bounds)


def in_period(analysis: xr.Dataset, period: Period) -> xr.Dataset:
    """Return the analyses of a period.

    Args:
        analysis: Analyses with `time`.
        period: First and last day.

    Raises:
        MissingDataError: There is no analysis in the period.
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
    """Find all samples of an analysis: past states and `lead_steps` following states, one step apart.

    Args:
        analysis: Analyses of one period; lazy if the loader is `archive`.
        standardiser: Converts physical fields to standardised anomalies.
        system: The system, which defines the step length and the number of past states.
        lead_steps: Number of following states.
        loader: Whether to hold the states in memory or to read them from the archive when needed.
        pin: Whether to put batches from the archive into pinned memory, for a GPU.

    Raises:
        MissingDataError: There is no sample.
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
    """Return samples for all step lengths that a system learns.

    Args:
        own: Samples with the system's default step length.
        system: The system, which defines the step lengths.

    Raises:
        MissingDataError: There is no sample for one of the step lengths.
    """
    parts = tuple(own.in_steps_of(hours) for hours in system.learned_step_hours)
    return JoinedSamples(parts) if len(parts) > 1 else own


def shuffled(count: int, batch_size: int, iteration: int, seed: int) -> Numbers:
    """Return the sample numbers of one iteration; each epoch is a new shuffle of all samples.

    Args:
        count: Number of samples.
        batch_size: Samples per iteration.
        iteration: Number of the iteration, counted from 0.
        seed: Seed of the shuffles.
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
    """Return the time indices of every sequence of `length` states that are one step apart."""
    wanted = times[:, None] + np.arange(length) * np.timedelta64(step_hours, "h")
    indices = np.searchsorted(times, wanted).clip(max=times.size - 1)
    complete = (times[indices] == wanted).all(axis=1)
    if not complete.any():
        raise MissingDataError(
            f"training: expected {length} analyses {step_hours} h apart, found none among {times.size} times"
        )
    return torch.from_numpy(indices[complete].astype(np.int64))
