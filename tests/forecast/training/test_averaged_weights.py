"""The average follows the weights, and can be swapped into the model."""

import pytest
import torch
from torch import nn

from forecast.training.averaged_weights import AveragedWeights, kept_share


@pytest.fixture
def model():
    model = nn.BatchNorm1d(3)
    nn.init.constant_(model.weight, 1.0)
    return model


def move(model, value):
    with torch.no_grad():
        model.weight.fill_(value)


def test_the_average_is_exponential(model):
    averaged = AveragedWeights(model)
    for value, expected in ((3.0, 1.5), (3.0, 1.875)):
        move(model, value)
        averaged.update(keep=0.75)
        torch.testing.assert_close(averaged.weights["weight"], torch.full((3,), expected))


def test_the_model_computes_with_the_average_only_inside_the_block(model):
    averaged = AveragedWeights(model)
    move(model, 5.0)

    def fail():
        with averaged.swapped_in():
            assert model.weight.eq(1.0).all()
            raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        fail()
    assert model.weight.eq(5.0).all()


def test_the_state_has_averaged_weights_and_the_models_buffers(model):
    averaged = AveragedWeights(model)
    move(model, 5.0)
    model.running_mean.fill_(7.0)
    state = averaged.state()
    assert state.keys() == model.state_dict().keys()
    assert state["weight"].eq(1.0).all()
    assert state["running_mean"].eq(7.0).all()


def test_the_model_may_adopt_the_average(model):
    averaged = AveragedWeights(model)
    move(model, 5.0)
    averaged.adopt()
    assert model.weight.eq(1.0).all()


def test_the_window_grows_with_the_training_until_it_is_full():
    assert kept_share(1000, 4, 400) == pytest.approx(0.5 ** (4 / 400))
    assert kept_share(250, 4, 400) == pytest.approx(0.5 ** (4 / 100))
    assert kept_share(0, 4, 400) == 0.5**4
