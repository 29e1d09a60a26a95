from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from forecast.training.random_numbers import RandomNumbers
from forecast.training.rollout_crps import RolloutCrps
from forecast.training.samples import in_period, make_samples


@pytest.fixture
def batch(system, analysis, checkpoint):
    samples = make_samples(in_period(analysis, system.periods.training), checkpoint.standardiser, system)
    return samples.batch(torch.arange(3))


def test_the_spectral_term_is_small_beside_that_of_points_and_pulls_on_the_weights(system, checkpoint, batch):
    model = deepcopy(checkpoint.model).requires_grad_(True)

    def loss(spectral_weight):
        objective = RolloutCrps(system.sampler, 1, 2, 1.0, spectral_weight)
        area = checkpoint.grid.area_weights().expand(3, -1, -1)
        return objective(model, batch, area, RandomNumbers(0, 0, 0, range(3), 3))

    points, both = loss(0.0), loss(0.1)
    assert points.shape == both.shape == (3,)
    term = (both - points) / 0.1
    assert (term > 0).all()
    assert (term < 2 * points).all()
    term.sum().backward()
    assert any(weight.grad is not None and weight.grad.abs().max() > 0 for weight in model.parameters())


def test_the_amounts_term_scores_rain_and_nothing_else(system, checkpoint, batch):
    area = checkpoint.grid.area_weights().expand(3, -1, -1)
    objective = RolloutCrps(system.sampler, 1, 2, 1.0, amounts=(2,), amounts_weight=1.0)

    def term(seen):
        numbers = (RandomNumbers(0, 0, 0, range(3), 3) for _ in range(2))
        without = replace(objective, amounts_weight=0.0)
        return objective(checkpoint.model, seen, area, next(numbers)) - without(
            checkpoint.model, seen, area, next(numbers)
        )

    def changed(channel, factor):
        following = batch.following.clone()
        none = batch.lower_bounds[:, :, channel] if channel == 2 else 0.0
        following[:, :, channel] = none + factor * (following[:, :, channel] - none)
        return replace(batch, following=following)

    assert (term(batch) > 0).all()
    torch.testing.assert_close(term(changed(0, 3.0)), term(batch), rtol=1e-4, atol=1e-6)
    assert (term(changed(2, 20.0)) > 1.5 * term(batch)).all()
    alone = replace(batch, **{name: getattr(batch, name)[:1] for name in ("past", "following", "scalars", "years")})
    alone = replace(alone, lower_bounds=batch.lower_bounds[:1])
    both = (
        objective(checkpoint.model, seen, area, RandomNumbers(0, 0, 0, range(n), 3))
        for seen, n in ((batch, 3), (alone, 1))
    )
    torch.testing.assert_close(next(both)[:1], next(both))


def test_samples_know_the_physical_minimum_at_each_lead_step(batch):
    assert batch.lower_bounds.shape == batch.following.shape
    assert batch.lower_bounds[:, :, :2].eq(-torch.inf).all()
    assert (batch.following[:, :, 2] >= batch.lower_bounds[:, :, 2] - 1e-6).all()
    dry = batch.following[:, :, 2] < batch.lower_bounds[:, :, 2] + 1e-6
    assert 0 < dry.float().mean() < 1


def test_less_than_no_rain_is_no_error_where_it_stays_dry(system, checkpoint, batch):
    objective, area = RolloutCrps(system.sampler, 1, 2, 1.0), checkpoint.grid.area_weights().expand(3, -1, -1)

    def loss(minimum):
        bounds = torch.full_like(batch.following, minimum)
        dry = replace(batch, following=torch.maximum(batch.following, bounds), lower_bounds=bounds)
        return objective(checkpoint.model, dry, area, RandomNumbers(0, 0, 0, range(3), 3))

    assert loss(1e3).eq(0).all()
    assert (loss(-torch.inf) > 0).all()
    torch.testing.assert_close(
        loss(-torch.inf),
        objective(checkpoint.model, replace(batch, lower_bounds=None), area, RandomNumbers(0, 0, 0, range(3), 3)),
    )
