"""The state of a training is restored bit for bit, and only in the same training."""

import pytest
import torch
from torch import nn

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.training.averaged_weights import AveragedWeights
from forecast.training.optimiser import Optimiser
from forecast.training.state import (
    START,
    TrainingPosition,
    has_training_state,
    load_training_state,
    remove_training_state,
    save_training_state,
    training_tensors,
)


def moving(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    averaged, optimiser = AveragedWeights(model), Optimiser(model, "adamw", learning_rate=1e-2, weight_decay=0.0)
    model(torch.randn(8, 4)).square().sum().backward()
    optimiser.step()
    return training_tensors(model, averaged, optimiser)


def test_positions_follow_each_other():
    assert START.after_iteration().after_iteration() == TrainingPosition(stage=0, done=2)
    assert TrainingPosition(stage=0, done=2).next_stage() == TrainingPosition(stage=1, done=0)


def test_the_state_round_trips_bit_for_bit(tmp_path):
    left, found = moving(0), moving(1)
    assert {name.split(".")[0] for name in left} == {"model", "averaged", "optimiser"}
    save_training_state(tmp_path / "new", TrainingPosition(1, 7), "abc", left)
    assert load_training_state(tmp_path / "new", "abc", found) == TrainingPosition(1, 7)
    assert all(torch.equal(value, left[name]) for name, value in found.items())


def test_without_a_stored_state_training_starts_from_zero(tmp_path):
    found = moving(1)
    before = {name: value.clone() for name, value in found.items()}
    assert not has_training_state(tmp_path)
    assert load_training_state(tmp_path, "abc", found) == START
    assert all(torch.equal(value, before[name]) for name, value in found.items())


def test_another_training_is_refused(tmp_path):
    save_training_state(tmp_path, START, "abc", moving(0))
    with pytest.raises(ConfigurationError, match=r"training\.safetensors: expected the training of this system"):
        load_training_state(tmp_path, "abd", moving(0))


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "training.safetensors").write_bytes(b"nothing")
    with pytest.raises(InvalidDataError, match=r"training\.safetensors: expected a training state, found .* remove"):
        load_training_state(tmp_path, "abc", moving(0))


def test_a_finished_training_leaves_none(tmp_path):
    save_training_state(tmp_path, START, "abc", moving(0))
    assert has_training_state(tmp_path)
    remove_training_state(tmp_path)
    remove_training_state(tmp_path)
    assert not has_training_state(tmp_path)
