"""Makes the members of an ensemble.

A member is a pure function of (model, system, init time, member number). Its noise comes from a counter-based generator
whose key is a hash of those four and whose counter holds lead step and draw, so it does not depend on batch, ensemble
size, device, order or restarts. If a model has several networks, members alternate between them: with two, the first
network makes the even members.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.errors import DivergedError, InvalidDataError
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.compatibility import check_forecasts
from forecast.members.noise import NoiseSource, member_noise, member_seeds
from forecast.members.portions import Portions
from forecast.members.rollout import rollout
from forecast.members.stored_states import batch_name, load_state, state_path, store_state, stored_states
from forecast.networks.division import divide_networks
from forecast.parallel.ranks import ALONE, Ranks
from forecast.parallel.side_by_side import side_by_side, threads_for
from forecast.states.standardiser import grid_of
from forecast.states.starts import select_past, start_members
from forecast.system.system import System

SECONDS_BETWEEN_LOOKS = 0.02
"""Interval at which a process checks for a state that another process computes."""


@dataclass(frozen=True)
class MemberRequest:
    """The requested members of one cycle.

    Attributes:
        init_time: Init time of the forecast, UTC.
        members: Member numbers, counted from 0.
        lead_steps: Length of the forecast in steps of `system.state.step_hours`.
        noise: Returns the noise of a member with a given seed; another one makes members that are conditioned.
    """

    init_time: np.datetime64
    members: Sequence[int]
    lead_steps: int
    noise: NoiseSource = member_noise


@dataclass(frozen=True)
class MemberFields:
    """Some members of one cycle at one lead time.

    Attributes:
        members: Member numbers, in the order of the arrays.
        lead_index: 0 for the first lead time.
        lead_time: Time after `init_time`.
        fields: Values by channel name, float32 (member, latitude, longitude), in the units of the channel.
    """

    members: tuple[int, ...]
    lead_index: int
    lead_time: np.timedelta64
    fields: dict[str, NDArray[np.float32]]


def forecast_members(
    checkpoint: Checkpoint,
    system: System,
    analysis: xr.Dataset,
    request: MemberRequest,
    *,
    batch_size: int,
    state_directory: Path | None = None,
    ranks: Ranks = ALONE,
) -> Iterator[MemberFields]:
    """Make members in batches: on a CPU as many batches at a time as PyTorch has threads, else one after the other.

    If several processes call it together, they divide the batches among them, and only the first process yields
    members: it reads the states of the others from `state_directory`, which all processes must share. A team of
    processes computes a batch together, each a band of latitudes.

    Args:
        checkpoint: The model.
        system: A system with the state of the checkpoint's; its sampler is used.
        analysis: Canonical analysis that holds the past states of `request.init_time`; if it has `member`, member m of
            the forecast starts from the one at position m modulo their number.
        request: Member numbers, init time and length.
        batch_size: Members computed together; fewer if a process would otherwise have none, or if memory is short.
        state_directory: Directory for the state after each step, from which a killed forecast resumes and which several
            processes need; None to store none.
        ranks: The processes, and the device on which this one computes.

    Yields:
        Physical fields of one batch at one lead time; nothing except in the first process.

    Raises:
        ConfigurationError: The checkpoint belongs to another system, or memory is short for a single member.
        InvalidDataError: A channel, value or past state is missing, or the grid differs.
        MissingDataError: `init_time` is later than the last analysis.
        DivergedError: A field is not finite.
    """
    assert ranks.count == 1 or state_directory is not None, "several processes need a directory of states"
    check_forecasts(checkpoint, system)
    past = start_states(checkpoint, system, analysis, request.init_time).to(ranks.device)
    checkpoint = _placed(checkpoint, ranks)
    batches = [
        replace(request, members=members)
        for members in split_members(request.members, batch_size, ranks.teams, len(checkpoint.models))
    ]
    in_bands = ranks.bands.count > 1
    portions = Portions(ranks.device, divisible=not in_bands)
    own = [
        _forecast_batch(checkpoint, system, past, batch, state_directory, portions, stores=ranks.bands.index == 0)
        for batch in batches[ranks.team :: ranks.teams]
    ]
    with threads_for(1 if in_bands else len(own), ranks.device) as threads:  # a team exchanges rows in one order
        for made in side_by_side(own, threads):
            if ranks.is_first:
                yield made
    for number, batch in enumerate(batches if ranks.is_first else ()):
        if number % ranks.teams and state_directory is not None:
            yield from _awaited_batch(checkpoint, batch, state_directory)


def split_members(members: Sequence[int], batch_size: int, processes: int, networks: int = 1) -> list[tuple[int, ...]]:
    """Split members into groups that are computed together, each by one network.

    Args:
        members: Member numbers.
        batch_size: Members in a group; fewer if a process would otherwise have none.
        processes: Number of processes that divide the groups among them.
        networks: Number of networks that members alternate between.
    """
    together = min(batch_size, -(-len(members) // processes))
    by_network = ([member for member in members if member % networks == number] for number in range(networks))
    return [
        tuple(alike[first : first + together]) for alike in by_network for first in range(0, len(alike), together or 1)
    ]


def _placed(checkpoint: Checkpoint, ranks: Ranks) -> Checkpoint:
    """The checkpoint on this process's device, its networks divided among the processes of a team."""
    checkpoint = replace(checkpoint, models=tuple(model.to(ranks.device) for model in checkpoint.models))
    for model in checkpoint.models:
        divide_networks(model, ranks.bands)
    return checkpoint


def start_states(
    checkpoint: Checkpoint, system: System, analysis: xr.Dataset, init_time: np.datetime64
) -> Float[Tensor, "start past channel latitude longitude"]:
    """Return the standardised past states that members start from in turn, oldest first.

    Args:
        checkpoint: The model.
        system: A system with the state of the checkpoint's.
        analysis: Canonical analysis that holds the past states of `init_time`.
        init_time: Init time of the forecast, UTC.

    Returns:
        One start, or one for each member of the analysis if it has `member`.

    Raises:
        InvalidDataError: A channel, value or past state is missing, or the grid differs.
        MissingDataError: `init_time` is later than the last analysis.
    """
    _check_analysis(analysis, checkpoint)
    return _standardised(
        select_past(analysis, init_time, system.state.past_states, system.state.step_hours), checkpoint
    )


def _standardised(past: xr.Dataset, checkpoint: Checkpoint) -> Float[Tensor, "start past channel latitude longitude"]:
    """The past states of each member of the analysis, or of the one analysis there is."""
    starts = range(len(start_members(past)))
    each = [past.isel(member=number, drop=True) for number in starts] or [past]
    return torch.stack([checkpoint.standardiser.to_tensor(one) for one in each])


def _check_analysis(analysis: xr.Dataset, checkpoint: Checkpoint) -> None:
    for name in checkpoint.system.state.predictands:
        if name not in analysis:
            raise InvalidDataError(f"analysis: expected channel {name}, found {sorted(map(str, analysis.data_vars))}")
    grid = grid_of(analysis)
    if not grid.is_close_to(checkpoint.grid):
        raise InvalidDataError(
            f"analysis: expected the model's grid {checkpoint.grid.shape}, found {grid.shape} or other points"
        )


def _forecast_batch(
    checkpoint: Checkpoint,
    system: System,
    past: Float[Tensor, "start past channel latitude longitude"],
    request: MemberRequest,
    state_directory: Path | None,
    portions: Portions,
    *,
    stores: bool,
) -> Iterator[MemberFields]:
    """Yield the members of one batch: first the lead times that an interrupted forecast stored, then the rest."""
    members, network = tuple(request.members), checkpoint.of_member(request.members[0])
    seeds = member_seeds(checkpoint.model_id, system.identity_hash(), request.init_time, members)
    directory = None if state_directory is None else state_directory / batch_name(members)
    shape = tuple(past.shape[2:])

    def noise(lead_step: int, draw: int) -> Tensor:
        return torch.from_numpy(np.stack([request.noise(seed, lead_step, draw, shape) for seed in seeds]))

    states = past[[member % len(past) for member in members]]
    made = 0
    for state in stored_states(directory, (len(members), *shape), request.lead_steps):
        made += 1
        states = torch.cat([states[:, 1:], state.to(past.device)[:, None]], dim=1)
        yield _member_fields(checkpoint, request, made, state)
    remaining = range(made + 1, request.lead_steps + 1)
    following = rollout(network, system.sampler, states, request.init_time, remaining, noise, portions)
    for lead_step, state in zip(remaining, following, strict=True):
        if directory is not None and stores:
            store_state(directory, lead_step, state)
        yield _member_fields(checkpoint, request, lead_step, state)


def _awaited_batch(checkpoint: Checkpoint, request: MemberRequest, state_directory: Path) -> Iterator[MemberFields]:
    """Yield a batch that another process computes, each state as soon as it is stored."""
    members = tuple(request.members)
    directory = state_directory / batch_name(members)
    shape = (len(members), len(checkpoint.system.state.predictands), *checkpoint.grid.shape)
    for lead_step in range(1, request.lead_steps + 1):
        while not state_path(directory, lead_step).exists():
            time.sleep(SECONDS_BETWEEN_LOOKS)
        yield _member_fields(checkpoint, request, lead_step, load_state(directory, lead_step, shape))


def _member_fields(checkpoint: Checkpoint, request: MemberRequest, lead_step: int, state: Tensor) -> MemberFields:
    """Convert standardised states after a lead step to physical fields."""
    lead_time = np.timedelta64(lead_step * checkpoint.system.state.step_hours, "h").astype("timedelta64[ns]")
    fields = checkpoint.standardiser.to_fields(state, request.init_time.astype("datetime64[ns]") + lead_time)
    faulty = [name for name, values in fields.items() if not np.isfinite(values).all()]
    if faulty:
        raise DivergedError(f"forecast of {faulty[0]}: expected finite values, found NaN at lead step {lead_step}")
    return MemberFields(tuple(request.members), lead_step - 1, lead_time, fields)
