"""The hash of a training covers what determines its weights, not its length or how it is computed."""

import pytest
from pydantic import ValidationError

from forecast.system.training import NOT_HASHED, Training

PRETRAINING = {"dataset": "globe", "period": {"start": "2001-01-01", "end": "2001-12-31"}}
ANOTHER = {
    "iterations": 7,
    "checkpoint_minutes": 9.0,
    "checkpoint_iterations": 5,
    "validation_samples": 3,
    "micro_batch_size": 2,
    "parallel": "fsdp",
    "recompute_activations": True,
    "compiled": True,
    "loader": "archive",
    "read_ahead": 9,
    "stored_as": "int8",
}


def trained_with(system, **changes):
    return system.changed(training=system.training.changed(**changes))


def test_step_lengths_are_sorted_and_named_once():
    assert Training(step_hours=(24, 6)).step_hours == (6, 24)
    with pytest.raises(ValidationError, match=r"expected each length once, found \[6, 6\]"):
        Training(step_hours=(6, 6))


def test_muon_needs_whole_matrices():
    with pytest.raises(ValidationError, match="expected adamw with parallel = 'fsdp'"):
        Training(optimiser="muon", parallel="fsdp")


@pytest.mark.parametrize("key", NOT_HASHED)
def test_settings_of_the_computation_are_not_hashed(system, key):
    assert trained_with(system, **{key: ANOTHER[key]}).training_hash() == system.training_hash()


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 5},
        {"seed": 1},
        {"learning_rate": 1e-4},
        {"precision": "bfloat16"},
        {"mirrored": True},
        {"networks": 2},
        {"channel_weights": {"z500": 2.0}},
    ],
)
def test_settings_that_determine_the_weights_are_hashed(system, changes):
    assert trained_with(system, **changes).training_hash() != system.training_hash()


def test_stages_and_pretraining_are_hashed_but_for_the_length_of_the_stages(system):
    staged = system.changed(finetuning=({"iterations": 5},))
    assert staged.training_hash() == system.changed(finetuning=({"iterations": 6},)).training_hash()
    others = [system, staged, system.changed(finetuning=({"members": 3},)), system.changed(pretraining=PRETRAINING)]
    assert len({each.training_hash() for each in others}) == len(others)


def test_the_sampler_is_hashed_where_it_is_trained(system):
    staged = system.changed(finetuning=({},))
    fewer, louder = system.sampler.changed(sampling_steps=2), system.sampler.changed(noise_inflation=1.1)
    assert system.changed(sampler=fewer).training_hash() == system.training_hash()
    assert staged.changed(sampler=fewer).training_hash() != staged.training_hash()
    assert staged.changed(sampler=louder).training_hash() == staged.training_hash()


def test_the_hash_of_the_first_release_stands(system):
    """A golden value: if this fails, unfinished trainings of earlier releases can no longer be resumed."""
    assert system.training_hash().startswith("6f908c5fcb8f")
