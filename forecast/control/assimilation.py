"""Assimilation: an ensemble of analyses from sparse observations, cycled with the model's own members as background.

Each cycle forecasts every member one lead step, with noise of its own, and updates it by the observations of that time.
The states before the last one are updated too, as the next lead step starts from them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.control.ensemble_update import Observed, grid_points, relaxed, unit_vectors, update_ensemble
from forecast.control.operators import Observer
from forecast.control.point_observations import PointObservations
from forecast.members.ensemble import split_members
from forecast.members.noise import member_noise, member_seeds
from forecast.members.rollout import clipped, rollout
from forecast.system.system import System


@dataclass(frozen=True)
class Filter:
    """How members are updated.

    Attributes:
        half_width_km: Half-width of the localisation; None for none.
        relaxation: Of the spread towards that of the background, from `relaxed`.
    """

    half_width_km: float | None = 3000.0
    relaxation: float = 0.5


@dataclass(frozen=True)
class Analysed:
    """An ensemble at one time.

    Attributes:
        time: Valid time.
        background: Standardised past states before the update, oldest first.
        states: The same after it.
        observations: Number of observations.
    """

    time: np.datetime64
    background: Float[Tensor, "member past channel latitude longitude"]
    states: Float[Tensor, "member past channel latitude longitude"]
    observations: int

    @property
    def analysis(self) -> Float[Tensor, "member channel latitude longitude"]:
        """The analysis: the last of the states."""
        return self.states[:, -1]


def assimilate(
    checkpoint: Checkpoint,
    system: System,
    start: Analysed,
    observations: PointObservations,
    cycles: int,
    options: Filter,
) -> Iterator[Analysed]:
    """Cycle an ensemble of analyses.

    Args:
        checkpoint: The model, on the CPU.
        system: A system with the state of the checkpoint's; its sampler is used.
        start: The ensemble that the first forecast starts from; at least two members.
        observations: Observations of any times; those at the times of cycles are used.
        cycles: Number of cycles of one lead step each.
        options: How members are updated.

    Yields:
        The ensemble of each cycle.

    Raises:
        ConfigurationError: An observation is not on the grid.
    """
    step = np.timedelta64(system.state.step_hours, "h")
    current = start
    for _ in range(cycles):
        background = forecast_states(checkpoint, system, current.states, current.time)
        current = update(checkpoint, background, observations.at(current.time + step), current.time + step, options)
        yield current


def forecast_states(
    checkpoint: Checkpoint,
    system: System,
    states: Float[Tensor, "member past channel latitude longitude"],
    time: np.datetime64,
) -> Float[Tensor, "member past channel latitude longitude"]:
    """Forecast members one lead step, each with the noise of its number and start.

    Args:
        checkpoint: The model, on the CPU.
        system: Its sampler is used.
        states: Standardised past states of each member at `time`, oldest first.
        time: Valid time of the last of them.

    Returns:
        The past states one step later.
    """
    following = torch.empty_like(states[:, -1])
    for members in split_members(range(len(states)), system.forecast.batch_size, 1, len(checkpoint.models)):
        seeds = member_seeds(checkpoint.model_id, system.identity_hash(), time, members)

        def noise(lead_step: int, draw: int, seeds: tuple[str, ...] = seeds) -> Tensor:
            shape = tuple(states.shape[2:])
            return torch.from_numpy(np.stack([member_noise(seed, lead_step, draw, shape) for seed in seeds]))

        network, past = checkpoint.of_member(members[0]), states[list(members)]
        (following[list(members)],) = rollout(network, system.sampler, past, time, range(1, 2), noise)
    return torch.cat([states[:, 1:], following[:, None]], dim=1)


def update(
    checkpoint: Checkpoint,
    background: Float[Tensor, "member past channel latitude longitude"],
    observations: PointObservations,
    time: np.datetime64,
    options: Filter,
) -> Analysed:
    """Update an ensemble by the observations of one time.

    Args:
        checkpoint: Its standardiser and grid are used.
        background: Standardised past states of each member, oldest first, the last of them at `time`.
        observations: Observations at `time`; without any, members stay as they are.
        time: Valid time.
        options: How members are updated.

    Raises:
        ConfigurationError: An observation is not on the grid.
    """
    if not len(observations):
        return Analysed(time, background, background, 0)
    observer = Observer(
        checkpoint.standardiser, checkpoint.grid, time, observations.channel.tolist(), observations.places()
    )
    observed = Observed(
        members=observer(background[:, -1]).double().numpy(),
        values=observations.value,
        errors=observations.error,
        places=unit_vectors(observations.latitude, observations.longitude),
    )
    rows: NDArray[np.float32] = background.flatten(1, 2).flatten(2).numpy()
    updated = update_ensemble(rows, observed, grid_points(checkpoint.grid), options.half_width_km)
    states = torch.from_numpy(relaxed(updated, rows, options.relaxation).astype(np.float32)).view_as(background)
    return _clipped(checkpoint, Analysed(time, background, states, len(observations)))


def _clipped(checkpoint: Checkpoint, analysed: Analysed) -> Analysed:
    """Clip an updated ensemble at the physical minima of its times."""
    past = analysed.states.shape[1]
    each = [clipped(checkpoint, analysed.states[:, index], analysed.time, index + 1 - past) for index in range(past)]
    return replace(analysed, states=torch.stack(each, dim=1))
