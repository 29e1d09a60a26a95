"""Training lowers the loss, and an interrupted training resumes bit for bit."""

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.files import load_checkpoint
from forecast.training.directory import DENOISER
from forecast.training.stages import stages
from forecast.training.train import train


def changed(system, **sections):
    return system.changed(**{name: getattr(system, name).changed(**values) for name, values in sections.items()})


def test_loss_falls(system, analysis, tmp_path):
    longer = changed(system, training={"learning_rate": 3e-3, "batch_size": 8})
    losses = [progress.loss for progress in train(longer, analysis, tmp_path, iterations=150)]
    assert np.mean(losses[-15:]) < 0.9 * np.mean(losses[:15])


def test_a_killed_training_resumes_bit_for_bit(system, analysis, tmp_path):
    often = changed(system, training={"checkpoint_minutes": 1e-9})
    for _ in train(often, analysis, tmp_path / "whole"):
        pass
    killed = train(often, analysis, tmp_path / "killed")
    for _ in range(3):
        next(killed)
    killed.close()
    assert load_checkpoint(tmp_path / "killed").training.stages["denoising"].iterations == 3
    rest = list(train(often, analysis, tmp_path / "killed", resume=True))
    assert [progress.iteration for progress in rest] == [4, 5, 6]
    assert load_checkpoint(tmp_path / "killed").model_id == load_checkpoint(tmp_path / "whole").model_id


def test_an_unfinished_training_is_not_overwritten(system, analysis, tmp_path):
    often = changed(system, training={"checkpoint_minutes": 1e-9})
    killed = train(often, analysis, tmp_path)
    next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match="resume it"):
        next(train(often, analysis, tmp_path))
    other = changed(often, network={"widths": (8,)})
    with pytest.raises(ConfigurationError, match="found another one"):
        next(train(other, analysis, tmp_path, resume=True))


def test_a_finished_training_stays_as_it_is(system, analysis, tmp_path):
    for _ in train(system, analysis, tmp_path):
        pass
    before = load_checkpoint(tmp_path).model_id
    assert list(train(system, analysis, tmp_path, resume=True)) == []
    assert load_checkpoint(tmp_path).model_id == before
    with pytest.raises(ConfigurationError, match="found another one"):
        next(train(changed(system, training={"seed": 1}), analysis, tmp_path, resume=True))


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"batch_size": 2}, {"learning_rate": 1e-4}, {"channel_weights": {"z500": 100.0}}]
)
def test_a_training_is_not_resumed_with_other_settings(system, analysis, tmp_path, changes):
    often = changed(system, training={"checkpoint_minutes": 1e-9})
    killed = train(often, analysis, tmp_path)
    next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match="found another one"):
        next(train(changed(often, training=changes), analysis, tmp_path, resume=True))
    assert next(train(changed(often, training={"iterations": 7}), analysis, tmp_path, resume=True)).iteration == 2


def test_statistics_come_from_the_training_period_only(system, analysis, tmp_path):
    spoiled = analysis.copy(deep=True)
    spoiled["z500"].loc[{"time": slice("2001-12-01", None)}] += 5000.0
    for source, directory in ((analysis, tmp_path / "a"), (spoiled, tmp_path / "b")):
        for _ in train(system, source, directory, iterations=1):
            pass
    first, second = (load_checkpoint(tmp_path / name) for name in "ab")
    assert first.model_id == second.model_id


def test_fine_tuning_follows_and_keeps_the_denoiser(tuned, analysis, tmp_path):
    progress = list(train(tuned, analysis, tmp_path))
    assert [state.iteration for state in progress] == list(range(1, 10))
    assert [state.stage for state in progress] == ["denoising"] * 6 + ["fine-tuning over 2 lead steps"] * 3
    denoiser, final = load_checkpoint(tmp_path / DENOISER), load_checkpoint(tmp_path)
    assert denoiser.model_id != final.model_id
    assert list(final.training.stages) == ["denoising", "fine-tuning over 2 lead steps"]


@pytest.mark.parametrize("iterations", [6, 7])
def test_a_training_killed_between_or_within_stages_resumes_bit_for_bit(tuned, analysis, tmp_path, iterations):
    for _ in train(tuned, analysis, tmp_path / "whole"):
        pass
    killed = train(tuned, analysis, tmp_path / "killed")
    for _ in range(iterations):
        next(killed)
    killed.close()
    rest = list(train(tuned, analysis, tmp_path / "killed", resume=True))
    assert rest[0].iteration == iterations + 1
    whole, resumed = (load_checkpoint(tmp_path / name) for name in ("whole", "killed"))
    assert whole.model_id == resumed.model_id
    assert whole.training.stages == resumed.training.stages


def test_fine_tuning_starts_from_a_checkpoint_and_may_deepen_it(tuned, analysis, checkpoint, tmp_path):
    deeper = changed(tuned, network={"blocks": 2}, training={"learning_rate": 1e-12})
    resting = deeper.changed(finetuning=(deeper.finetuning[0].changed(learning_rate=1e-12),))
    for _ in train(resting, analysis, tmp_path, initial_checkpoint=checkpoint):
        pass
    found = load_checkpoint(tmp_path)
    assert len(stages(deeper, initial_checkpoint=checkpoint)) == 1
    assert found.training.initial_checkpoint == checkpoint.model_id
    x = torch.randn(2, 3, 8, 16)
    past, scalars = torch.randn(2, 2, 3, 8, 16), torch.randn(2, 7)
    levels = torch.tensor([0.3, 5.0])
    results = [
        each.model.residual_denoiser(past, past[:, -1], scalars)(x, levels).detach() for each in (checkpoint, found)
    ]
    torch.testing.assert_close(results[1], results[0], atol=1e-5, rtol=1e-4)


def test_more_patterns_than_there_are_values_are_refused(system, analysis, tmp_path):
    with pytest.raises(ConfigurationError, match=r"anchor.eofs: expected at most \d+, .* found 1000"):
        next(train(changed(system, anchor={"kind": "linear", "eofs": 1000}), analysis, tmp_path))


def test_a_checkpoint_of_other_channels_or_grid_is_refused(system, analysis, checkpoint, tmp_path):
    turned = changed(system, state={"predictands": ("u850", "z500", "tp24")})
    with pytest.raises(ConfigurationError, match=r"expected one with predictands \('u850', 'z500', 'tp24'\)"):
        next(train(turned, analysis, tmp_path, initial_checkpoint=checkpoint))
    elsewhere = analysis.assign_coords(longitude=analysis["longitude"] + 1)
    with pytest.raises(ConfigurationError, match="or other points"):
        next(train(system, elsewhere, tmp_path, initial_checkpoint=checkpoint))


def test_a_checkpoint_of_another_anchor_is_refused(tuned, analysis, tmp_path):
    faded = changed(tuned, anchor={"kind": "linear", "space": "harmonics", "truncation": 3, "fading": 1})
    for _ in train(faded, analysis, tmp_path / "initial"):
        pass
    sharp = changed(faded, anchor={"fading": 0})
    with pytest.raises(
        ConfigurationError, match=r"expected one with anchor \('linear', 'harmonics', 3, 0\), found .* 3, 1"
    ):
        next(train(sharp, analysis, tmp_path / "sharp", initial_checkpoint=load_checkpoint(tmp_path / "initial")))


def test_a_training_is_not_resumed_from_another_initial_checkpoint(tuned, analysis, checkpoint, tmp_path):
    killed = train(tuned, analysis, tmp_path)
    next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match="found another one"):
        next(train(tuned, analysis, tmp_path, initial_checkpoint=checkpoint, resume=True))


def test_fine_tuning_lowers_the_crps_of_a_rollout(tuned, analysis, checkpoint, tmp_path):
    longer = tuned.changed(finetuning=(tuned.finetuning[0].changed(iterations=60, learning_rate=3e-3),))
    losses = [state.loss for state in train(longer, analysis, tmp_path, initial_checkpoint=checkpoint)]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
