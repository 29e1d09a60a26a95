"""Levels fitted to a model keep few sampling steps close to many."""

import numpy as np
import pytest
import torch

from forecast.members.rollout import rollout
from forecast.system.diffusion import Sampler
from forecast.training.sampler_levels import fit_sampler_levels
from forecast.training.samples import in_period, make_samples

FEW = Sampler(kind="heun", sampling_steps=3, sigma_min=0.05, sigma_max=20.0)


@pytest.fixture(scope="module")
def samples(checkpoint, system, analysis):
    return make_samples(in_period(analysis, system.periods.validation), checkpoint.standardiser, system)


@pytest.fixture(scope="module")
def fitted(checkpoint, samples):
    return fit_sampler_levels(checkpoint.model, FEW, samples, torch.tensor([0, 9, 18]), candidates=12)


def test_fitted_levels_are_levels_of_the_sampler(fitted):
    assert FEW.changed(levels=fitted).levels == fitted
    assert fitted[0] == 20.0


def test_the_same_samples_give_the_same_levels(fitted, checkpoint, samples):
    assert fit_sampler_levels(checkpoint.model, FEW, samples, torch.tensor([0, 9, 18]), candidates=12) == fitted


def test_few_fitted_steps_are_closer_to_many_than_few_of_edm(fitted, checkpoint, samples):
    """On other samples and other noise."""
    batch = samples.batch(torch.tensor([4, 13]), 1)

    def state(sampler):
        def noise(lead_step, draw):
            return torch.randn(2, 3, 8, 16, generator=torch.Generator().manual_seed(lead_step))

        start = np.datetime64("2001-12-10", "ns")
        return next(rollout(checkpoint, sampler, batch.past, start, range(1, 2), noise))

    many = state(FEW.changed(sampling_steps=60))
    error = (state(FEW.changed(levels=fitted)) - many).square().mean().sqrt()
    error_of_edm = (state(FEW) - many).square().mean().sqrt()
    assert error < 0.7 * error_of_edm
