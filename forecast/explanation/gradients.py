"""Gradients of the mean and spread of an outcome with respect to the initial and past state, noise and anchor."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.explanation.moments import GradientMoments
from forecast.explanation.outcome import Outcome
from forecast.explanation.rollout import NOTHING_CHANGED, differentiable_rollout
from forecast.members.ensemble import split_members
from forecast.members.noise import member_noise, member_seeds
from forecast.members.rollout import Noise, full_float32
from forecast.system.system import System

INPUTS = ("state", "anchor", "noise")


@dataclass(frozen=True, eq=False)
class Ensemble:
    """The members whose outcome is explained.

    Attributes:
        checkpoint: The model, on the device to compute on.
        system: The system, whose sampler is used.
        init_time: Init time of the forecast.
        starts: Standardised past states, (start, past, channel, latitude, longitude); member m begins from the start at
            position m modulo their number.
        members: Member numbers.
        batch_size: Members computed together.
    """

    checkpoint: Checkpoint
    system: System
    init_time: np.datetime64
    starts: Float[Tensor, "start past channel latitude longitude"]
    members: Sequence[int]
    batch_size: int

    def batches(self) -> list[tuple[int, ...]]:
        """Return the members in groups, each made by one network."""
        return split_members(self.members, self.batch_size, 1, len(self.checkpoint.models))

    def past_of(self, members: Sequence[int]) -> Float[Tensor, "member past channel latitude longitude"]:
        """Return the past states of some members.

        Args:
            members: Member numbers.
        """
        return self.starts[[member % len(self.starts) for member in members]]

    def noise_of(self, members: Sequence[int], lead_step: int, draw: int) -> Tensor:
        """Return the noise of some members, which is that of the forecast.

        Args:
            members: Member numbers.
            lead_step: Number of the lead step, counted from 1.
            draw: Number of the draw in the lead step.

        Returns:
            Standard normal, (member, channel, latitude, longitude).
        """
        model_id, system_hash = self.checkpoint.model_id, self.system.identity_hash()
        shape = tuple(self.starts.shape[2:])
        seeds = member_seeds(model_id, system_hash, self.init_time, members)
        drawn = np.stack([member_noise(seed, lead_step, draw, shape) for seed in seeds])
        return torch.from_numpy(drawn).to(self.starts.device)

    def rollout(
        self,
        members: Sequence[int],
        past: Tensor,
        lead_steps: range,
        noise: Noise | None = None,
        anchor_changes: Mapping[int, Tensor] = NOTHING_CHANGED,
    ) -> Iterator[Tensor]:
        """Yield the past states after each lead step of some members, which share a network.

        Args:
            members: Member numbers.
            past: Past states before the first lead step.
            lead_steps: Lead steps, counted from 1.
            noise: Noise of (lead step, draw); None for the members' own.
            anchor_changes: By lead step, what is added to the anchor's forecast.
        """
        network = self.checkpoint.of_member(members[0])
        own = noise or partial(self.noise_of, members)
        return differentiable_rollout(
            network, self.system.sampler, past, self.init_time, lead_steps, own, anchor_changes
        )

    @torch.no_grad()
    def outcomes(self, outcome: Outcome, change: Tensor | None = None) -> Float[Tensor, " member"]:
        """Return the outcome of each member, float64, in the order of `members`.

        Args:
            outcome: The outcome.
            change: What is added to the past states of all members, standardised, (past, channel, latitude, longitude).
        """
        found = torch.zeros(len(self.members), dtype=torch.float64)
        for batch in self.batches():
            past = self.past_of(batch)
            past = past if change is None else past + change
            *_, last = self.rollout(batch, past, range(1, outcome.lead_step + 1))
            found[self.positions(batch)] = outcome.of_states(last[:, -1]).cpu()
        return found

    def positions(self, batch: Sequence[int]) -> list[int]:
        """Return the positions of some members among all.

        Args:
            batch: Member numbers.
        """
        where = {member: position for position, member in enumerate(self.members)}
        return [where[member] for member in batch]


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The outcome of each member, and how mean and spread change with each input, standardised.

    Attributes:
        outcomes: Outcome of each member, (member,), float64, in the unit of the channel.
        state: Of the past states: gradients (past, channel, latitude, longitude).
        anchor: Of the anchor's forecasts: (lead_step, channel, latitude, longitude).
        noise: Of the noise: (lead_step, draw, channel, latitude, longitude).
    """

    outcomes: Float[Tensor, " member"]
    state: GradientMoments
    anchor: GradientMoments
    noise: GradientMoments


@dataclass
class _Leaves:
    """Inputs of some members that gradients are taken for."""

    past: Tensor
    anchors: dict[int, Tensor]
    draw: Callable[[int, int], Tensor]
    noises: dict[tuple[int, int], Tensor] = field(default_factory=dict)

    def noise(self, lead_step: int, draw: int) -> Tensor:
        key = (lead_step, draw)
        if key not in self.noises:
            self.noises[key] = self.draw(*key).requires_grad_()
        return self.noises[key]


def sensitivity(ensemble: Ensemble, outcome: Outcome, done: Callable[[int], object] = lambda _: None) -> Sensitivity:
    """Compute how mean and spread of an outcome change with the initial and past state, the anchor and the noise.

    Args:
        ensemble: The members, at least 2.
        outcome: The outcome.
        done: Called with the number of members after each batch.
    """
    found: Sensitivity | None = None
    outcomes = torch.zeros(len(ensemble.members), dtype=torch.float64)
    for batch in ensemble.batches():
        values, gradients = member_gradients(ensemble, outcome, batch)
        if found is None:
            origin = float(values.mean())
            found = Sensitivity(outcomes, *(GradientMoments(origin) for _ in INPUTS))
        outcomes[ensemble.positions(batch)] = values
        for name, gradient in gradients.items():
            getattr(found, name).add(values, gradient)
        done(len(batch))
    assert found is not None, "an ensemble has members"
    return found


def member_gradients(
    ensemble: Ensemble, outcome: Outcome, members: Sequence[int]
) -> tuple[Float[Tensor, " member"], dict[str, Tensor]]:
    """Return the outcome of some members, and its gradients with respect to each member's own inputs.

    Args:
        ensemble: The ensemble.
        outcome: The outcome.
        members: Member numbers, which share a network.

    Returns:
        Outcomes, and gradients by `INPUTS`: (member, past, channel, latitude, longitude), (member, lead_step, channel,
        latitude, longitude), (member, lead_step, draw, channel, latitude, longitude); on the CPU.
    """
    past, steps = ensemble.past_of(members).clone().requires_grad_(), range(1, outcome.lead_step + 1)
    anchors = {step: torch.zeros_like(past[:, -1], requires_grad=True) for step in steps}
    leaves = _Leaves(past, anchors, partial(ensemble.noise_of, members))
    *_, last = ensemble.rollout(members, past, steps, leaves.noise, anchors)
    values = outcome.of_states(last[:, -1])
    keys = sorted(leaves.noises)
    inputs = [past, *anchors.values(), *(leaves.noises[key] for key in keys)]
    with full_float32():
        computed = torch.autograd.grad(values.sum(), inputs, allow_unused=True, materialize_grads=True)
    state, of_anchors, of_noise = computed[0], computed[1 : 1 + len(steps)], computed[1 + len(steps) :]
    draws = len(keys) // len(steps)
    noise = torch.stack(of_noise, dim=1).unflatten(1, (len(steps), draws))
    gradients = {"state": state, "anchor": torch.stack(of_anchors, dim=1), "noise": noise}
    return values.detach().cpu(), {name: gradient.cpu() for name, gradient in gradients.items()}
