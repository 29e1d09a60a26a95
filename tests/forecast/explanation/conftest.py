"""Models of one lead step whose answer is known, in the place of a trained network."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.explanation.gradients import Ensemble
from forecast.explanation.outcome import Outcome, point_weights
from forecast.states.starts import select_past
from forecast.system.system import System

INIT = np.datetime64("2001-12-10", "ns")
PLACE = (5, 3)
Step = Callable[[Tensor, Tensor], Tensor]


class KnownModel(nn.Module):
    """Next state = anchor + f(past, noise), with an anchor that is a linear map of the past states."""

    def __init__(self, mean: Callable[[Tensor], Tensor], residual: Step) -> None:
        super().__init__()
        self.anchor = KnownAnchor(mean)
        self.noise = nn.Identity()
        self._residual = residual

    def residual_denoiser(self, past: Tensor, *_: object) -> Step:
        return lambda x, sigma: self._residual(past, x / sigma[:, None, None, None])

    def apply_residual(self, anchor: Tensor, residual: Tensor, _: Tensor) -> Tensor:
        return anchor + residual


class KnownAnchor(nn.Module):
    def __init__(self, mean: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._mean = mean

    def forward(self, past: Tensor, *_: object) -> Tensor:
        return self._mean(past)


@pytest.fixture(scope="session")
def ensemble_of(checkpoint: Checkpoint, system: System, analysis: xr.Dataset) -> Callable[..., Ensemble]:
    """An ensemble of the trained model, or of a known one, from 2001-12-10."""
    past = select_past(analysis, INIT, system.state.past_states, system.state.step_hours)
    start = checkpoint.standardiser.to_tensor(past)[None]

    def make(model: nn.Module | None = None, members: int = 6, batch_size: int = 4) -> Ensemble:
        used = checkpoint if model is None else replace(checkpoint, models=(model,))  # type: ignore[arg-type]
        one_evaluation = system.changed(sampler=system.sampler.changed(kind="euler", sampling_steps=1))
        return Ensemble(used, one_evaluation, INIT, start, range(members), batch_size)

    return make


@pytest.fixture(scope="session")
def outcome_of(checkpoint: Checkpoint) -> Callable[..., Outcome]:
    """The outcome of a channel at `PLACE`."""

    def make(channel: str = "z500", lead_step: int = 1, weights: np.ndarray | None = None) -> Outcome:
        valid = INIT + np.timedelta64(24 * lead_step, "h")
        usual = point_weights(checkpoint.grid.shape, *PLACE)
        return Outcome(channel, lead_step, valid, usual if weights is None else weights, checkpoint.standardiser)

    return make


@pytest.fixture(scope="session")
def linear() -> tuple[KnownModel, Tensor, Tensor, Tensor]:
    """A linear model: next = A past[-1] + B past[-2] + C noise for the first two channels; with A, B and C."""
    generator = torch.Generator().manual_seed(3)
    a, b, c = (torch.randn(256, 256, generator=generator) / 30 for _ in range(3))

    def apply(matrix: Tensor, state: Tensor) -> Tensor:
        two = (state[:, :2].flatten(1) @ matrix.T).reshape(-1, 2, 8, 16)
        return torch.cat([two, torch.zeros_like(state[:, 2:])], dim=1)

    model = KnownModel(lambda past: apply(a, past[:, -1]) + apply(b, past[:, -2]), lambda _, noise: apply(c, noise))
    return model, a, b, c


@pytest.fixture(scope="session")
def planted() -> KnownModel:
    """The mean of z500 at `PLACE` hangs on u850 at (2, 7) alone, two for one, its spread on tp24 at (6, 11) alone."""

    def at_place(values: Tensor) -> Tensor:
        here = torch.zeros(len(values), 3, 8, 16)
        here[:, 0, PLACE[0], PLACE[1]] = 1.0
        return here * values[:, None, None, None]

    return KnownModel(
        lambda past: at_place(2 * past[:, -1, 1, 2, 7]),
        lambda past, noise: at_place((1 + 0.3 * past[:, -2, 2, 6, 11]) * noise[:, 0, PLACE[0], PLACE[1]]),
    )
