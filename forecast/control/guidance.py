"""Members of a forecast that meet conditions: their noise is moved, everything else stays as in the free forecast.

The distribution that thresholds are drawn from is estimated from the first `REFERENCE` members of the free forecast,
whichever members are asked for, so that a conditioned member, too, is a function of model, system, start, conditions
and its number. Members keep the start that they have: a forecast from several analyses does not choose among them.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.compatibility import check_forecasts
from forecast.control.conditions import Condition, check_conditions
from forecast.control.observed_members import ObservedForecast, ObservedMembers
from forecast.control.operators import Observer
from forecast.control.posterior import condition_noise, expected_values, linearise
from forecast.control.targets import Bounds, Prior, check_reachable, draw_values
from forecast.members.ensemble import MemberRequest, split_members, start_states
from forecast.members.noise import member_noise
from forecast.system.system import System

logger = logging.getLogger("plumecast")
Array = NDArray[np.float64]
REFERENCE = 16
"""Members of the free forecast that its distribution is estimated from."""
TOGETHER = 4
"""Members whose derivatives are computed together, which bounds the memory."""
LEAST_ERROR = 0.01
"""Smallest error in the update of noise, in standard deviations of the free forecast."""
MARGIN = 0.02
"""How far beyond an exact threshold members are aimed, in the same unit."""
TOLERANCE = 4.0
"""Errors by which a member's value may differ from its target for the condition to be met."""


@dataclass(frozen=True)
class ConditionedNoise:
    """The noise of members that meet conditions; that of others is their own.

    Attributes:
        moved: Noise by (seed, lead step, draw), (channel, latitude, longitude).
        distance: By member number, how far its noise was moved, in standard deviations.
        prior: Distribution of the conditioned quantities, and their errors, in the free forecast.
        values: The conditioned quantities of each member, by member number.
    """

    moved: dict[tuple[str, int, int], NDArray[np.float32]]
    distance: dict[int, float]
    prior: Prior
    values: dict[int, Array] = field(default_factory=dict)

    def __call__(self, seed: str, lead_step: int, draw: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the noise of one member in one lead step.

        Args:
            seed: Seed of the member.
            lead_step: Counted from 1.
            draw: Number of the draw in the lead step.
            shape: (channel, latitude, longitude).
        """
        found = self.moved.get((seed, lead_step, draw))
        return member_noise(seed, lead_step, draw, shape) if found is None else found


def conditioned(
    checkpoint: Checkpoint,
    system: System,
    analysis: xr.Dataset,
    request: MemberRequest,
    conditions: Sequence[Condition],
) -> MemberRequest:
    """Return a request for the same members, with noise that makes them meet conditions.

    Args:
        checkpoint: The model, on the CPU.
        system: A system with the state of the checkpoint's; its sampler is used.
        analysis: Canonical analysis that holds the past states of `request.init_time`.
        request: Member numbers, init time and length.
        conditions: At least one.

    Returns:
        `request`, whose `noise` is a `ConditionedNoise`. For each member and iteration, some four of them, the model is
        evaluated once, with one backward pass for each condition.

    Raises:
        ConfigurationError: A channel, place or lead is not in the forecast, conditions contradict each other, or the
            forecast cannot meet them.
        InvalidDataError: A channel, value or past state of the analysis is missing, or the grid differs.
        MissingDataError: `init_time` is later than the last analysis.
    """
    check_forecasts(checkpoint, system)
    step_hours = system.state.step_hours
    check_conditions(conditions, system.state.predictands, step_hours, request.lead_steps)
    ordered = sorted(conditions, key=lambda one: one.lead_hours)
    forecast = ObservedForecast(
        checkpoint,
        system,
        start_states(checkpoint, system, analysis, request.init_time),
        request.init_time,
        _observers(checkpoint, request.init_time, ordered, step_hours),
    )
    prior = _prior(forecast, ordered)
    bounds = _bounds(prior, ordered)
    check_reachable(prior, bounds, [str(one) for one in ordered])
    noise = ConditionedNoise({}, {}, prior)
    for members in split_members(request.members, TOGETHER, 1, len(checkpoint.models)):
        _condition(ObservedMembers(forecast, members), ordered, bounds, noise)
    return replace(request, noise=noise)


def _observers(
    checkpoint: Checkpoint, init_time: np.datetime64, conditions: Sequence[Condition], step_hours: int
) -> dict[int, Observer]:
    observers = {}
    for hours in dict.fromkeys(one.lead_hours for one in conditions):
        chosen = [one for one in conditions if one.lead_hours == hours]
        valid_time = init_time.astype("datetime64[ns]") + np.timedelta64(hours, "h")
        channels, places = [one.channel for one in chosen], [one.place for one in chosen]
        observers[hours // step_hours] = Observer(
            checkpoint.standardiser, checkpoint.grid, valid_time, channels, places
        )
    return observers


def _prior(forecast: ObservedForecast, conditions: Sequence[Condition]) -> Prior:
    """The free forecast of the conditioned quantities: J J' and the mean over its first members."""
    noises, values, jacobians = [], [], []
    for members in split_members(range(REFERENCE), TOGETHER, 1, len(forecast.checkpoint.models)):
        of_these = ObservedMembers(forecast, members)
        found = linearise(of_these.observe, of_these.noise)
        noises.append(of_these.noise)
        values.append(found.values.double())
        jacobians.append(found.jacobian)
    jacobian = torch.cat(jacobians)
    covariance = torch.stack([(each.double() @ each.double().T) for each in jacobian]).mean(0).numpy()
    errors = np.array([one.error for one in conditions])
    mean = expected_values(torch.cat(values), torch.cat(noises), jacobian)
    return Prior(mean.numpy(), covariance + np.diag(errors**2))


def _bounds(prior: Prior, conditions: Sequence[Condition]) -> Bounds:
    """The intervals of conditions; exact thresholds are moved inwards, so that what is met nearly is met."""
    errors = np.array([one.error for one in conditions])
    lower, upper = np.array([one.interval for one in conditions]).T
    margin = MARGIN * np.sqrt(np.diag(prior.covariance)) * (errors == 0) * (lower < upper)
    return Bounds(lower + margin, upper - margin)


def _condition(
    members: ObservedMembers, conditions: Sequence[Condition], bounds: Bounds, found: ConditionedNoise
) -> None:
    """Condition the noise of some members, and add it to what was found for others."""
    errors = np.array([one.error for one in conditions])
    noise = members.noise
    with torch.no_grad():
        free = members.observe(noise).double().numpy()
    targets = np.empty_like(free)
    for position, seed in enumerate(members.seeds):
        generator = np.random.Generator(np.random.Philox(key=int(seed, 16)))
        drawn = errors * generator.standard_normal(len(errors))
        targets[position] = draw_values(found.prior, bounds, free[position] + drawn, generator) - drawn
    spread = np.sqrt(np.diag(found.prior.covariance) - errors**2)
    used = np.maximum(errors, LEAST_ERROR * spread)
    moved, values = condition_noise(members.observe, noise, torch.from_numpy(targets), torch.from_numpy(used))
    _check_met(members.members, conditions, values.numpy(), targets, used)
    found.moved.update(members.draws_of(moved))
    for position, member in enumerate(members.members):
        found.distance[member] = float((moved - noise)[position].norm())
        found.values[member] = values[position].double().numpy()


def _check_met(
    members: Sequence[int], conditions: Sequence[Condition], values: Array, targets: Array, errors: Array
) -> None:
    """Refuse a forecast some of whose members could not be brought to meet a condition."""
    apart = np.abs(values - targets) / errors
    if (apart <= TOLERANCE).all():
        return
    position, number = divmod(int(apart.argmax()), len(conditions))
    raise ConfigurationError(
        f"condition '{conditions[number]}': expected every member to meet it, found member {members[position]} at "
        f"{values[position, number]:.6g} where {targets[position, number]:.6g} was aimed at: out of reach"
    )
