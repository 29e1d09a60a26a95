"""The state of a training is found in its directory: finished, or interrupted in which folder."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from forecast.training.directory import MEANS, PRETRAINING, has_checkpoint, holds_finished, is_finished, unfinished

DESCRIPTION = Path(str(files("forecast") / "pretrained" / "ncep-natlantic" / "model.json"))


@pytest.fixture
def finished(tmp_path):
    (tmp_path / "model.json").write_bytes(DESCRIPTION.read_bytes())
    return tmp_path


def interrupt(directory):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "training.safetensors").touch()


def test_an_empty_directory(tmp_path):
    assert not has_checkpoint(tmp_path)
    assert not is_finished(tmp_path)
    assert unfinished(tmp_path) is None


def test_a_finished_training(finished):
    assert has_checkpoint(finished)
    assert holds_finished(finished)
    assert is_finished(finished)
    assert unfinished(finished) is None


@pytest.mark.parametrize("folder", [".", PRETRAINING, f"{MEANS}/all", f"{MEANS}/2001"])
def test_an_interrupted_training_is_found_in_every_folder(finished, folder):
    interrupt(finished / folder)
    assert unfinished(finished) == finished / folder
    assert not is_finished(finished)
    assert holds_finished(finished) == (folder != ".")


def test_a_training_killed_between_its_two_files_is_not_finished(finished):
    """The checkpoint is written first and is marked as a snapshot, even without the state beside it."""
    content = json.loads(DESCRIPTION.read_text())
    (finished / "model.json").write_text(json.dumps(content | {"training": content["training"] | {"finished": False}}))
    assert has_checkpoint(finished)
    assert not holds_finished(finished)
    assert not is_finished(finished)
