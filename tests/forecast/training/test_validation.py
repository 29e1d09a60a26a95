"""Validation measures the averaged weights on the same samples and noise each time."""

import math
from copy import deepcopy

import pytest
import torch

from forecast.parallel.ranks import ALONE
from forecast.training.averaged_weights import AveragedWeights
from forecast.training.objectives import Losses
from forecast.training.stages import stages
from forecast.training.training_data import prepare_training_data
from forecast.training.validation import Validation


@pytest.fixture
def validation(system, analysis, checkpoint):
    model = deepcopy(checkpoint.model).requires_grad_(True)
    samples = prepare_training_data(
        system, analysis, lead_steps=1, ranks=ALONE, initial_checkpoint=checkpoint
    ).validation
    weights = checkpoint.grid.area_weights().expand(3, -1, -1)
    return Validation(system, Losses(model), AveragedWeights(model), weights, samples, "cpu")


def test_it_is_the_same_each_time_and_of_the_average(validation, system):
    (denoising,) = stages(system)
    before = validation.loss(denoising, 0)
    assert math.isfinite(before)
    with torch.no_grad():
        validation.losses.model.position.add_(1.0)
    assert validation.loss(denoising, 0) == before
    validation.averaged.update(keep=0.0)
    assert validation.loss(denoising, 0) != before


def test_stages_have_noise_of_their_own(validation, system):
    (denoising,) = stages(system)
    assert validation.loss(denoising, 1) != validation.loss(denoising, 0)


def test_it_does_not_depend_on_the_samples_computed_together(validation, system):
    (denoising,) = stages(system)
    whole = validation.loss(denoising, 0)
    object.__setattr__(validation, "system", system.changed(training=system.training.changed(micro_batch_size=1)))
    assert validation.loss(denoising, 0) == pytest.approx(whole, rel=1e-5)


def test_noise_levels_are_measured_where_denoising_is_learned(validation, tuned):
    denoising, tuning = stages(tuned)
    assert validation.noise_levels(tuning, 1) is None
    found = validation.noise_levels(denoising, 0)
    assert list(found.squared_error) == ["z500", "u850", "tp24"]
    assert all(len(errors) == len(found.sigma) for errors in found.squared_error.values())
    # At almost no noise the clean state is known, at the most nothing but what the past tells.
    assert all(errors[0] < 0.05 < errors[-1] for errors in found.squared_error.values())
    assert list(found.drawn) == sorted(found.drawn)
