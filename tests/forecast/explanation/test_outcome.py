import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.explanation.outcome import point_weights


def test_it_is_the_physical_value(checkpoint, outcome_of):
    states = torch.randn(4, 3, 8, 16)
    for name in ("z500", "tp24"):
        outcome = outcome_of(name)
        fields = checkpoint.standardiser.to_fields(states, outcome.valid_time)
        np.testing.assert_allclose(outcome.of_states(states), fields[name][:, 5, 3], rtol=1e-5, atol=1e-4)


def test_of_a_region_it_is_the_weighted_mean(checkpoint, outcome_of):
    weights = np.zeros((8, 16))
    weights[2:4, 5] = 0.25, 0.75
    states = torch.randn(2, 3, 8, 16)
    outcome = outcome_of("u850", weights=weights)
    fields = checkpoint.standardiser.to_fields(states, outcome.valid_time)["u850"].astype(float)
    expected = 0.25 * fields[:, 2, 5] + 0.75 * fields[:, 3, 5]
    np.testing.assert_allclose(outcome.of_states(states), expected, rtol=1e-5)


def test_weights_of_a_point():
    weights = point_weights((3, 4), 1, 2)
    assert weights.sum() == weights[1, 2] == 1


def test_an_unknown_channel_is_refused(outcome_of):
    with pytest.raises(ConfigurationError, match="expected one of the model, z500, u850, tp24, found 'msl'"):
        outcome_of("msl")
