"""Which members, made from which noise.

A member is a pure function of (model, system, init time, member number). Its noise comes from a counter-based generator
whose key is a hash of those four and whose counter holds lead step and draw, so it is the same whatever the batch, the
ensemble size, the device, the order or a restart. Of several networks, members take turns: with two, even numbers have
the first.
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

from data_catalog.errors import ConfigurationError, DivergedError, InvalidDataError
from forecast.calibration.card import CARD
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.members.noise import member_noise, member_seeds
from forecast.members.rollout import rollout
from forecast.members.stored_states import batch_name, load_state, state_path, store_state, stored_states
from forecast.parallel.ranks import ALONE, Ranks
from forecast.states.standardiser import grid_of
from forecast.states.starts import select_past
from forecast.system.system import System

SECONDS_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True)
class MemberFields:
    """Some members of one cycle at one lead time.

    Attributes:
        members: Member numbers, in the order of the arrays.
        lead_index: 0 for the first lead time.
        lead_time: Time after `init_time`.
        fields: Channel name to float32 (member, latitude, longitude), in the channel's units.
    """

    members: tuple[int, ...]
    lead_index: int
    lead_time: np.timedelta64
    fields: dict[str, NDArray[np.float32]]


def check_compatible(checkpoint: Checkpoint, system: System, analysis: xr.Dataset) -> None:
    """Check that a checkpoint can forecast this system from this analysis.

    Raises:
        ConfigurationError: The checkpoint is of another system.
        InvalidDataError: The analysis lacks a channel or lies on another grid.
    """
    trained = checkpoint.system
    if (trained.name, trained.state) != (system.name, system.state):
        expected = f"one of system '{system.name}' with the state it describes"
        raise ConfigurationError(f"checkpoint: expected {expected}, found one of '{trained.name}'")
    fitted = checkpoint.calibration
    if fitted is not None and fitted.fitted_to != system.sampler:
        raise ConfigurationError(
            f"{CARD}: expected a card fitted to the sampler of system '{system.name}', found one fitted to another; "
            f"make it again with 'plumecast calibrate {system.name}', or remove it"
        )
    for name in system.state.predictands:
        if name not in analysis:
            raise InvalidDataError(f"analysis: expected channel {name}, found {sorted(map(str, analysis.data_vars))}")
    grid = grid_of(analysis)
    if not grid.is_close_to(checkpoint.grid):
        raise InvalidDataError(
            f"analysis: expected the model's grid {checkpoint.grid.shape}, found {grid.shape} or other points"
        )


def forecast_members(
    checkpoint: Checkpoint,
    system: System,
    analysis: xr.Dataset,
    init_time: np.datetime64,
    members: Sequence[int],
    lead_steps: int,
    *,
    batch_size: int,
    device: str = "cpu",
    state_directory: Path | None = None,
    ranks: Ranks = ALONE,
) -> Iterator[MemberFields]:
    """Make members, batch by batch, each batch through all lead times.

    Several processes that call this together share the batches, and the first of them yields all members: it finds the
    others' states in the directory, which all must see.

    Args:
        checkpoint: The model.
        system: Its state must be that of the checkpoint; its sampler is used.
        analysis: Canonical analysis that holds the past states of `init_time`.
        init_time: Start of the forecast.
        members: Member numbers, counted from 0.
        lead_steps: Steps of `system.state.step_hours`.
        batch_size: Members computed together, or fewer where a process would have none.
        device: Where to compute.
        state_directory: Keeps the state after each step, so that a killed forecast goes on where it was; several
            processes need it.
        ranks: The processes.

    Yields:
        Physical fields of one batch at one lead time; nothing but in the first process.

    Raises:
        ConfigurationError: The checkpoint is of another system.
        InvalidDataError: A channel, value or past state is missing, or the grid differs.
        MissingDataError: `init_time` is later than the last analysis.
    """
    check_compatible(checkpoint, system, analysis)
    past_analysis = select_past(analysis, init_time, system.state.past_states, system.state.step_hours)
    past = checkpoint.standardiser.to_tensor(past_analysis)
    if device != "cpu":
        checkpoint = replace(checkpoint, models=tuple(model.to(device) for model in checkpoint.models))
    assert ranks.count == 1 or state_directory is not None, "several processes need a directory of states"
    batches = split_members(members, batch_size, ranks.count, len(checkpoint.models))
    for batch in batches[ranks.rank :: ranks.count]:
        directory = None if state_directory is None else state_directory / batch_name(batch)
        network = checkpoint.of_member(batch[0])
        for made in _forecast_batch(network, system, past.to(device), init_time, batch, lead_steps, directory):
            if ranks.is_first:
                yield made
    for number, batch in enumerate(batches if ranks.is_first else ()):
        if number % ranks.count and state_directory is not None:
            yield from _awaited_batch(checkpoint, init_time, batch, lead_steps, state_directory / batch_name(batch))


def split_members(members: Sequence[int], batch_size: int, processes: int, networks: int = 1) -> list[tuple[int, ...]]:
    """Members that are computed together, by one network: `batch_size`, or fewer where a process would have none."""
    together = min(batch_size, -(-len(members) // processes))
    by_network = ([member for member in members if member % networks == number] for number in range(networks))
    return [
        tuple(alike[first : first + together]) for alike in by_network for first in range(0, len(alike), together or 1)
    ]


def _forecast_batch(
    checkpoint: Checkpoint,
    system: System,
    past: Float[Tensor, "past channel latitude longitude"],
    init_time: np.datetime64,
    members: tuple[int, ...],
    lead_steps: int,
    directory: Path | None,
) -> Iterator[MemberFields]:
    seeds = member_seeds(checkpoint.model_id, system.identity_hash(), init_time, members)
    shape = tuple(past.shape[1:])

    def noise(lead_step: int, draw: int) -> Tensor:
        return torch.from_numpy(np.stack([member_noise(seed, lead_step, draw, shape) for seed in seeds]))

    states = past.expand(len(members), *past.shape)
    made = 0
    for state in stored_states(directory, (len(members), *shape), lead_steps):
        made += 1
        states = torch.cat([states[:, 1:], state.to(past.device)[:, None]], dim=1)
        yield _member_fields(checkpoint, init_time, members, made, state)
    for state in rollout(checkpoint, system.sampler, states, init_time, range(made + 1, lead_steps + 1), noise):
        made += 1
        if directory is not None:
            store_state(directory, made, state)
        yield _member_fields(checkpoint, init_time, members, made, state)


def _awaited_batch(
    checkpoint: Checkpoint, init_time: np.datetime64, members: tuple[int, ...], lead_steps: int, directory: Path
) -> Iterator[MemberFields]:
    """A batch that another process computes, as its states come."""
    shape = (len(members), len(checkpoint.system.state.predictands), *checkpoint.grid.shape)
    for lead_step in range(1, lead_steps + 1):
        while not state_path(directory, lead_step).exists():
            time.sleep(SECONDS_BETWEEN_LOOKS)
        state = load_state(directory, lead_step, shape)
        yield _member_fields(checkpoint, init_time, members, lead_step, state)


def _member_fields(
    checkpoint: Checkpoint, init_time: np.datetime64, members: tuple[int, ...], lead_step: int, state: Tensor
) -> MemberFields:
    lead_time = np.timedelta64(lead_step * checkpoint.system.state.step_hours, "h").astype("timedelta64[ns]")
    fields = checkpoint.standardiser.to_fields(state, init_time.astype("datetime64[ns]") + lead_time)
    faulty = [name for name, values in fields.items() if not np.isfinite(values).all()]
    if faulty:
        raise DivergedError(f"forecast of {faulty[0]}: expected finite values, found NaN at lead step {lead_step}")
    return MemberFields(members, lead_step - 1, lead_time, fields)
