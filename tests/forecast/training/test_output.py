"""The outputs of a training: snapshots marked as unfinished, and the denoiser."""

import pytest

from forecast.checkpoints.files import load_checkpoint
from forecast.checkpoints.training_record import StageRecord
from forecast.training.directory import DENOISER
from forecast.training.output import TrainingOutput

STAGES = {"denoising": StageRecord(iterations=3, loss=1.0, validation_loss=1.1)}


@pytest.fixture
def output(checkpoint, tmp_path):
    record = checkpoint.training.changed(stages={})
    return TrainingOutput(tmp_path, checkpoint.system, checkpoint.grid, checkpoint.standardiser, record)


def test_a_snapshot_says_that_it_is_one(output, checkpoint):
    for finished in (False, True):
        output.save(checkpoint.model.state_dict(), STAGES, finished=finished)
        found = load_checkpoint(output.directory)
        assert found.training.finished is finished
        assert found.training.stages == STAGES
        assert found.model_id == checkpoint.model_id
    assert output.saved_stages() == STAGES


def test_the_denoiser_lies_in_a_folder_of_its_own(output, checkpoint):
    output.save_denoiser(checkpoint.model.state_dict(), STAGES)
    assert load_checkpoint(output.directory / DENOISER).training.finished
    assert not (output.directory / "model.json").exists()


def test_the_start_is_part_of_a_trainings_identity(output, checkpoint):
    assert output.identity == checkpoint.system.training_hash()
    started = TrainingOutput(
        output.directory,
        output.system,
        output.grid,
        output.standardiser,
        output.record.changed(initial_checkpoint="abc"),
    )
    assert started.identity == f"{checkpoint.system.training_hash()} from abc"
