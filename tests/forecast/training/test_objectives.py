"""Samples of a batch may differ in step length, and some are reflected: each has the loss that it has alone."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from forecast.model.step_model import StepModel
from forecast.states.standardiser import grid_of, static_tensor
from forecast.system.diffusion import Sampler
from forecast.training.objectives import ConsistencyDistillation, Denoising, MeanError
from forecast.training.random_numbers import RandomNumbers
from forecast.training.rollout_crps import RolloutCrps
from forecast.training.sample_batch import SampleBatch
from forecast.training.samples import learned_samples, make_samples

ONE_EVALUATION = Sampler(kind="euler", sampling_steps=1, sigma_max=20.0)
OBJECTIVES = {
    "denoising": lambda model: Denoising(),
    "mean": lambda model: MeanError(),
    "crps": lambda model: RolloutCrps(ONE_EVALUATION, 2, 3, 0.95),
    "consistency": lambda model: ConsistencyDistillation(deepcopy(model).eval(), ONE_EVALUATION, 6),
}


@pytest.fixture
def mixed(system, analysis, checkpoint):
    """A model with random weights, and samples with steps of one and of two days."""
    stepped = system.changed(training=system.training.changed(step_hours=(24, 48)))
    samples = learned_samples(make_samples(analysis, checkpoint.standardiser, stepped, lead_steps=2), stepped)
    model = StepModel(stepped, grid_of(analysis), static_tensor(analysis, ("orography",)))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    model.get_buffer("residual_std").copy_(torch.tensor([0.3, 0.8])[:, None, None, None].expand(2, 3, 1, 1))
    return model, samples.batch(torch.tensor([10, len(samples.parts[0]) + 20]))


def losses(objective, model, batch, places):
    area = torch.linspace(0.5, 1.5, 8)[:, None].expand(3, -1, -1)
    return objective(model, batch, area, RandomNumbers(0, 0, 0, places, 2)).detach()


def only(batch: SampleBatch, place: int) -> SampleBatch:
    chosen = {name: value[[place]] for name, value in vars(batch).items() if value is not None}
    return replace(batch, **chosen)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_each_sample_is_scored_as_if_alone(mixed, name):
    model, batch = mixed
    objective = OBJECTIVES[name](model)
    seen = replace(batch, mirrored=torch.tensor([False, True]))
    both = losses(objective, model, seen, [0, 1])
    alone = torch.cat([losses(objective, model, only(seen, place), [place]) for place in (0, 1)])
    torch.testing.assert_close(both, alone)
    plain = losses(objective, model, batch, [0, 1])
    torch.testing.assert_close(both[0], plain[0])
    assert (both[1] - plain[1]).abs() > 1e-3 * plain[1]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_loss_is_in_units_of_what_is_missed_in_steps_of_that_length(mixed, name):
    """The scale of another step length does not change a sample's loss."""
    model, batch = mixed
    objective = OBJECTIVES[name](model)
    before = losses(objective, model, batch, [0, 1])
    model.get_buffer("residual_std")[0].mul_(2)
    after = losses(OBJECTIVES[name](model), model, batch, [0, 1])
    torch.testing.assert_close(after[1], before[1])
    assert (after[0] - before[0]).abs() > 1e-3 * before[0]
