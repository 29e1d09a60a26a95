from copy import deepcopy

import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.draws import Draws
from forecast.objectives import RolloutCrps
from forecast.samples import in_period, make_samples
from forecast.system import System
from forecast.training import train


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


def test_a_region_has_no_spectral_term(system, analysis, tmp_path):
    tuned = System.model_validate(system.model_dump() | {"finetuning": [{"iterations": 1, "spectral_weight": 0.1}]})
    region = analysis.isel(latitude=slice(4))
    with pytest.raises(ConfigurationError, match=r"finetuning.spectral_weight: expected 0 on a region"):
        next(train(tuned, region, tmp_path))
