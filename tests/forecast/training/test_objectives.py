from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.training.objectives import RolloutCrps
from forecast.training.random_numbers import Draws
from forecast.training.samples import in_period, make_samples
from forecast.training.train import train


@pytest.fixture
def windows(system, analysis, checkpoint):
    samples = make_samples(in_period(analysis, system.periods.training), checkpoint.standardiser, system)
    return samples.windows(torch.arange(3))


def test_the_spectral_term_is_small_beside_that_of_points_and_pulls_on_the_weights(system, checkpoint, windows):
    model = deepcopy(checkpoint.model).requires_grad_(True)

    def loss(spectral_weight):
        objective = RolloutCrps(system.sampler, 1, 2, 1.0, spectral_weight)
        area = checkpoint.grid.area_weights().expand(3, -1, -1)
        return objective(model, windows, area, Draws(0, 0, 0, range(3), 3))

    points, both = loss(0.0), loss(0.1)
    assert points.shape == both.shape == (3,)
    term = (both - points) / 0.1
    assert (term > 0).all()
    assert (term < 2 * points).all()
    term.sum().backward()
    assert any(weight.grad is not None and weight.grad.abs().max() > 0 for weight in model.parameters())


def test_the_amounts_term_scores_rain_and_nothing_else(system, checkpoint, windows):
    area = checkpoint.grid.area_weights().expand(3, -1, -1)
    objective = RolloutCrps(system.sampler, 1, 2, 1.0, amounts=(2,), amounts_weight=1.0)

    def term(seen):
        draws = (Draws(0, 0, 0, range(3), 3) for _ in range(2))
        without = replace(objective, amounts_weight=0.0)
        return objective(checkpoint.model, seen, area, next(draws)) - without(checkpoint.model, seen, area, next(draws))

    def changed(channel, factor):
        following = windows.following.clone()
        none = windows.lower_bounds[:, :, channel] if channel == 2 else 0.0
        following[:, :, channel] = none + factor * (following[:, :, channel] - none)
        return replace(windows, following=following)

    assert (term(windows) > 0).all()
    torch.testing.assert_close(term(changed(0, 3.0)), term(windows), rtol=1e-4, atol=1e-6)
    assert (term(changed(2, 20.0)) > 1.5 * term(windows)).all()
    alone = replace(windows, **{name: getattr(windows, name)[:1] for name in ("past", "following", "scalars", "years")})
    alone = replace(alone, lower_bounds=windows.lower_bounds[:1])
    both = (
        objective(checkpoint.model, seen, area, Draws(0, 0, 0, range(n), 3)) for seen, n in ((windows, 3), (alone, 1))
    )
    torch.testing.assert_close(next(both)[:1], next(both))


def test_samples_know_the_physical_minimum_at_each_lead_step(windows):
    assert windows.lower_bounds.shape == windows.following.shape
    assert windows.lower_bounds[:, :, :2].eq(-torch.inf).all()
    assert (windows.following[:, :, 2] >= windows.lower_bounds[:, :, 2] - 1e-6).all()
    dry = windows.following[:, :, 2] < windows.lower_bounds[:, :, 2] + 1e-6
    assert 0 < dry.float().mean() < 1


def test_less_than_no_rain_is_no_error_where_it_stays_dry(system, checkpoint, windows):
    objective, area = RolloutCrps(system.sampler, 1, 2, 1.0), checkpoint.grid.area_weights().expand(3, -1, -1)

    def loss(minimum):
        bounds = torch.full_like(windows.following, minimum)
        dry = replace(windows, following=torch.maximum(windows.following, bounds), lower_bounds=bounds)
        return objective(checkpoint.model, dry, area, Draws(0, 0, 0, range(3), 3))

    assert loss(1e3).eq(0).all()
    assert (loss(-torch.inf) > 0).all()
    torch.testing.assert_close(
        loss(-torch.inf),
        objective(checkpoint.model, replace(windows, lower_bounds=None), area, Draws(0, 0, 0, range(3), 3)),
    )


@pytest.mark.parametrize("key", ["spectral_weight", "amounts_weight"])
def test_a_region_has_no_spectral_term(system, analysis, tmp_path, key):
    tuned = system.changed(finetuning=({"iterations": 1, key: 0.1},))
    region = analysis.isel(latitude=slice(4))
    with pytest.raises(ConfigurationError, match=rf"finetuning.{key}: expected 0 on a region"):
        next(train(tuned, region, tmp_path))


def test_without_amounts_there_is_no_term_of_theirs(system, analysis, tmp_path):
    dry = system.changed(
        finetuning=({"iterations": 1, "amounts_weight": 1.0},),
        state=system.state.changed(predictands=("z500", "u850")),
    )
    with pytest.raises(
        ConfigurationError, match=r"finetuning.amounts_weight: expected 0, as no predictand is an amount"
    ):
        next(train(dry, analysis, tmp_path))
