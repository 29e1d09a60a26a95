"""A checkpoint is opened for the system that it was trained for, and for no other."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.system import System
from pipelines.workspace.open_checkpoint import open_checkpoint, open_uncalibrated
from pipelines.workspace.systems import find_system


@pytest.fixture
def system(tiny: Path) -> System:
    return find_system(str(tiny))


def test_a_checkpoint_fits_its_own_system(
    tiny_checkpoint: Path, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_checkpoint(tiny_checkpoint, system).model_id == open_uncalibrated(tiny_checkpoint, system).model_id
    assert not caplog.text


@pytest.mark.parametrize("opening", [open_checkpoint, open_uncalibrated])
def test_another_system_is_refused(opening, tiny_checkpoint: Path, system: System) -> None:
    other = system.changed(state=system.state.changed(past_states=1))
    with pytest.raises(ConfigurationError, match="expected past_states 1 of 'tiny', found 2"):
        opening(tiny_checkpoint, other)


@pytest.mark.parametrize("opening", [open_checkpoint, open_uncalibrated])
def test_an_unfinished_training_is_named(
    opening, tiny_checkpoint: Path, system: System, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    description = json.loads((copy / "model.json").read_text())
    description["training"]["finished"] = False
    (copy / "model.json").write_text(json.dumps(description))
    with caplog.at_level(logging.WARNING, logger="plumecast"):
        opening(copy, system)
    assert "its training has not finished; 'plumecast train --resume' continues it" in caplog.text
