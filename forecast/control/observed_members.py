"""Members of a forecast as a function of their noise: from the noise of all lead steps to what conditions see."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.control.operators import Observer
from forecast.members.noise import member_noise, member_seeds
from forecast.members.rollout import clipped, step_states
from forecast.system.system import System


@dataclass(frozen=True)
class ObservedForecast:
    """A forecast and what is observed of it.

    Attributes:
        checkpoint: The model.
        system: Its sampler is used.
        starts: Standardised past states that members start from in turn, (start, past, channel, latitude, longitude).
        init_time: Init time, UTC.
        observers: What is observed after each lead step, by lead step.
    """

    checkpoint: Checkpoint
    system: System
    starts: Tensor
    init_time: np.datetime64
    observers: Mapping[int, Observer]

    def seeds(self, members: Sequence[int]) -> tuple[str, ...]:
        """Return the seed of each member, which is that of the free forecast.

        Args:
            members: Member numbers.
        """
        return member_seeds(self.checkpoint.model_id, self.system.identity_hash(), self.init_time, members)


class ObservedMembers:
    """Some members of one network as a function of their noise.

    Args:
        forecast: The forecast that they belong to.
        members: Member numbers, all of one network.
    """

    def __init__(self, forecast: ObservedForecast, members: Sequence[int]) -> None:
        self.members = tuple(members)
        self.seeds = forecast.seeds(self.members)
        self._forecast, self._checkpoint = forecast, forecast.checkpoint.of_member(self.members[0])
        self._past = forecast.starts[[member % len(forecast.starts) for member in self.members]]
        self._draws: dict[tuple[int, int], Tensor] = {}
        with torch.no_grad():
            self._walk(self._own)  # fills the draws, in the order in which the sampler takes them

    @property
    def noise(self) -> Float[Tensor, "member noise"]:
        """The members' own noise of all draws, one after the other."""
        return torch.cat([drawn.flatten(1) for drawn in self._draws.values()], dim=1)

    def observe(self, noise: Float[Tensor, "member noise"]) -> Float[Tensor, "member observation"]:
        """Return the observed values of given noise, by lead step; differentiable.

        Args:
            noise: Noise of all draws, as `noise` holds it.
        """
        return self._walk(lambda lead_step, draw: self._parts(noise)[lead_step, draw])

    def draws_of(
        self, noise: Float[Tensor, "member noise"]
    ) -> Iterator[tuple[tuple[str, int, int], NDArray[np.float32]]]:
        """Yield the noise of each member and draw, by (seed, lead step, draw).

        Args:
            noise: Noise of all draws, as `noise` holds it.
        """
        for (lead_step, draw), part in self._parts(noise).items():
            for seed, values in zip(self.seeds, part.numpy(), strict=True):
                yield (seed, lead_step, draw), values.astype(np.float32)

    def _parts(self, noise: Tensor) -> dict[tuple[int, int], Tensor]:
        parts = noise.chunk(len(self._draws), dim=1)
        return {key: part.view_as(self._draws[key]) for key, part in zip(self._draws, parts, strict=True)}

    def _own(self, lead_step: int, draw: int) -> Tensor:
        shape = tuple(self._past.shape[2:])
        drawn = [member_noise(seed, lead_step, draw, shape) for seed in self.seeds]
        return self._draws.setdefault((lead_step, draw), torch.from_numpy(np.stack(drawn)))

    def _walk(self, noise: Callable[[int, int], Tensor]) -> Tensor:
        forecast, past, seen = self._forecast, self._past, []
        for lead_step in range(1, max(forecast.observers) + 1):
            state = step_states(
                self._checkpoint,
                forecast.system.sampler,
                past,
                forecast.init_time,
                lead_step,
                partial(noise, lead_step),
            )
            if lead_step in forecast.observers:
                seen.append(forecast.observers[lead_step](state))
            state = clipped(self._checkpoint, state, forecast.init_time, lead_step)
            past = torch.cat([past[:, 1:], state[:, None]], dim=1)
        return torch.cat(seen, dim=1)
