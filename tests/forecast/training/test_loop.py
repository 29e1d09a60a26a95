"""The loop saves, stops at values that are not finite, and resumes."""

import pytest
import torch

from data_catalog.errors import ConfigurationError, DivergedError
from forecast.checkpoints.files import load_checkpoint
from forecast.parallel.ranks import ALONE
from forecast.training.initial_model import initial_model
from forecast.training.loop import TrainingJob, train_stages
from forecast.training.objectives import Losses
from forecast.training.optimiser import Optimiser
from forecast.training.stages import stages
from forecast.training.train import train
from forecast.training.training_data import prepare_training_data


@pytest.fixture
def often(system):
    return system.changed(training=system.training.changed(checkpoint_iterations=2))


@pytest.fixture
def data(often, analysis):
    return prepare_training_data(often, analysis, lead_steps=1, ranks=ALONE, initial_checkpoint=None)


def test_iterations_are_counted_over_the_whole_training(often, data, tmp_path):
    job = TrainingJob(tmp_path, iterations=16, earlier=10)
    progress = list(train_stages(initial_model(data, ALONE), stages(often), data, job))
    assert [state.iteration for state in progress] == list(range(11, 17))
    assert {state.iterations for state in progress} == {16}
    assert {state.stage for state in progress} == {"denoising"}


def test_a_checkpoint_is_written_every_so_many_iterations(often, data, tmp_path):
    job = TrainingJob(tmp_path, iterations=6)
    for state in train_stages(initial_model(data, ALONE), stages(often), data, job):
        assert (state.validation_loss is not None) == (state.iteration % 2 == 0)
        assert (state.noise_levels is not None) == (state.iteration % 2 == 0)
        assert (tmp_path / "model.json").exists() == (state.iteration >= 2)
    assert not (tmp_path / "training.safetensors").exists()
    record = load_checkpoint(tmp_path).training
    assert record.finished
    assert record.stages["denoising"].iterations == 6
    assert record.stages["denoising"].validation_loss == state.validation_loss


def test_no_fewer_iterations_than_are_done(often, analysis, tmp_path):
    killed = train(often, analysis, tmp_path)
    for _ in range(4):
        next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match=r"expected more than the 4 iterations of 'denoising'.*found 3"):
        next(train(often, analysis, tmp_path, resume=True, iterations=3))


def test_a_training_that_diverges_stops_and_leaves_its_last_checkpoint(often, analysis, tmp_path, monkeypatch):
    every = often.changed(training=often.training.changed(checkpoint_iterations=1))
    run = train(every, analysis, tmp_path)
    next(run)
    next(run)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    usual = Optimiser.set_learning_rate
    monkeypatch.setattr(Optimiser, "set_learning_rate", lambda self, _: usual(self, 1e30))
    with pytest.raises(DivergedError, match=r"training of tiny: expected a finite validation loss .* 'denoising'"):
        next(run)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written
    assert load_checkpoint(tmp_path).training.stages["denoising"].iterations == 2


def test_a_nan_loss_changes_no_weight(system, analysis, tmp_path, monkeypatch):
    run, lost = train(system, analysis, tmp_path), torch.full((4,), torch.nan, requires_grad=True)
    next(run)
    monkeypatch.setattr(Losses, "forward", lambda *_: lost)
    monkeypatch.setattr(Optimiser, "step", lambda _: pytest.fail("a step was made"))
    with pytest.raises(DivergedError, match="expected a finite loss near iteration 2 of 'denoising', found nan"):
        next(run)
    assert not list(tmp_path.glob("model*"))
