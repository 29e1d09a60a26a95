"""Training learns, stops anywhere, and goes on as if it had not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError, DivergedError, InvalidDataError, MissingDataError
from forecast.anchors.linear import LinearAnchor
from forecast.checkpoints.files import load_checkpoint
from forecast.training.initial_model import prepare_model
from forecast.training.loop import DENOISER, Losses, TrainingRun
from forecast.training.optimiser import Optimiser
from forecast.training.samples import in_period, make_samples
from forecast.training.stages import stages
from forecast.training.train import train


def changed(system, **sections):
    return system.changed(**{name: getattr(system, name).changed(**values) for name, values in sections.items()})


def test_loss_falls(system, analysis, tmp_path):
    longer = changed(system, training={"learning_rate": 3e-3, "batch_size": 8})
    losses = [progress.loss for progress in train(longer, analysis, tmp_path, iterations=150)]
    assert np.mean(losses[-15:]) < 0.9 * np.mean(losses[:15])


def test_a_killed_training_goes_on_bit_for_bit(system, analysis, tmp_path):
    often = changed(system, training={"checkpoint_minutes": 1e-9})
    for _ in train(often, analysis, tmp_path / "whole"):
        pass
    killed = train(often, analysis, tmp_path / "killed")
    for _ in range(3):
        next(killed)
    killed.close()
    assert load_checkpoint(tmp_path / "killed").training["stages"]["denoising"]["iterations"] == 3
    rest = list(train(often, analysis, tmp_path / "killed", resume=True))
    assert [progress.iteration for progress in rest] == [4, 5, 6]
    assert load_checkpoint(tmp_path / "killed").model_id == load_checkpoint(tmp_path / "whole").model_id


def test_an_unfinished_training_is_not_overwritten_unasked(system, analysis, tmp_path):
    often = changed(system, training={"checkpoint_minutes": 1e-9})
    killed = train(often, analysis, tmp_path)
    next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match="--resume"):
        next(train(often, analysis, tmp_path))
    other = changed(often, network={"widths": (8,)})
    with pytest.raises(ConfigurationError, match="found another's"):
        next(train(other, analysis, tmp_path, resume=True))


def test_a_finished_training_stays_as_it_is(system, analysis, tmp_path):
    for _ in train(system, analysis, tmp_path):
        pass
    before = load_checkpoint(tmp_path).model_id
    assert list(train(system, analysis, tmp_path, resume=True)) == []
    assert load_checkpoint(tmp_path).model_id == before
    with pytest.raises(ConfigurationError, match="found another's"):
        next(train(changed(system, training={"seed": 1}), analysis, tmp_path, resume=True))


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"batch_size": 2}, {"learning_rate": 1e-4}, {"channel_weights": {"z500": 100.0}}]
)
def test_what_decides_a_training_cannot_change_on_the_way(system, analysis, tmp_path, changes):
    often = changed(system, training={"checkpoint_minutes": 1e-9})
    killed = train(often, analysis, tmp_path)
    next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match="found another's"):
        next(train(changed(often, training=changes), analysis, tmp_path, resume=True))
    assert next(train(changed(often, training={"iterations": 7}), analysis, tmp_path, resume=True)).iteration == 2


def test_no_fewer_iterations_than_are_done(system, analysis, tmp_path):
    often = changed(system, training={"checkpoint_minutes": 1e-9})
    killed = train(often, analysis, tmp_path)
    for _ in range(4):
        next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match=r"expected more than the 4 iterations of 'denoising'.*found 3"):
        next(train(often, analysis, tmp_path, resume=True, iterations=3))


def test_statistics_come_from_the_training_period_only(system, analysis, tmp_path):
    spoiled = analysis.copy(deep=True)
    spoiled["z500"].loc[{"time": slice("2001-12-01", None)}] += 5000.0
    for source, directory in ((analysis, tmp_path / "a"), (spoiled, tmp_path / "b")):
        for _ in train(system, source, directory, iterations=1):
            pass
    first, second = (load_checkpoint(tmp_path / name) for name in "ab")
    assert first.model_id == second.model_id


def test_no_data_in_the_period_is_data_that_is_late(system, analysis, tmp_path):
    with pytest.raises(MissingDataError, match="expected analyses from 2001-01-01 to 2001-11-30, found none"):
        next(train(system, analysis.sel(time=slice("2002", None)), tmp_path))


def test_a_constant_channel_is_refused(system, analysis, tmp_path):
    flat = analysis.assign(z500=analysis["z500"] * 0 + 1)
    with pytest.raises(InvalidDataError, match="z500: expected variation"):
        next(train(system, flat, tmp_path))


def test_samples_never_span_a_gap(system, analysis, checkpoint):
    gappy = analysis.drop_isel(time=[50])
    samples = make_samples(gappy, checkpoint.standardiser, system)
    times = gappy["time"].values[samples.starts.numpy()]
    assert (np.diff(times, axis=1) == np.timedelta64(1, "D")).all()
    assert samples.starts.shape[0] == 400 - 2 - 3


def test_linear_anchor_predicts_what_is_linear(system, analysis, checkpoint):
    linear = changed(system, anchor={"kind": "linear", "eofs": 6})
    training = in_period(analysis, system.periods.training)
    samples = make_samples(training, checkpoint.standardiser, system)
    persistence = prepare_model(system, training, samples)
    fitted = prepare_model(linear, training, samples)
    assert isinstance(fitted.anchor, LinearAnchor)
    ratio = fitted.get_buffer("residual_std")[0] / persistence.get_buffer("residual_std")[0]
    assert float(ratio) < 0.6


def test_residual_is_unit_variance_and_undone(system, analysis, checkpoint):
    samples = make_samples(in_period(analysis, system.periods.training), checkpoint.standardiser, system)
    windows = samples.windows(torch.arange(len(samples)))
    past, following = windows.past, windows.following[:, 0]
    model = checkpoint.model
    scalars = windows.scalars[:, 0]
    anchor = model.anchor(past, scalars)
    residual = model.normalised_residual(following, anchor, scalars)
    area = checkpoint.grid.area_weights()
    torch.testing.assert_close((residual.square() * area).mean(dim=(0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(model.apply_residual(anchor, residual, scalars), following, atol=1e-5, rtol=1e-5)


@pytest.fixture
def tuned(system):
    staged = system.changed(finetuning=({"iterations": 3, "batch_size": 2, "lead_steps": 2},))
    return changed(staged, sampler={"sampling_steps": 1}, training={"checkpoint_minutes": 1e-9})


def test_fine_tuning_follows_and_keeps_the_denoiser(tuned, analysis, tmp_path):
    progress = list(train(tuned, analysis, tmp_path))
    assert [state.iteration for state in progress] == list(range(1, 10))
    assert [state.stage for state in progress] == ["denoising"] * 6 + ["fine-tuning over 2 lead steps"] * 3
    denoiser, final = load_checkpoint(tmp_path / DENOISER), load_checkpoint(tmp_path)
    assert denoiser.model_id != final.model_id
    assert list(final.training["stages"]) == ["denoising", "fine-tuning over 2 lead steps"]


@pytest.mark.parametrize("iterations", [6, 7])
def test_a_training_killed_between_or_within_stages_goes_on_bit_for_bit(tuned, analysis, tmp_path, iterations):
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
    assert whole.training["stages"] == resumed.training["stages"]


def test_a_factor_on_the_noise_is_not_trained_with(tuned):
    inflated = changed(tuned, sampler={"noise_inflation": 1.3})
    assert stages(inflated)[1].objective == stages(tuned)[1].objective


def test_fine_tuning_starts_from_a_checkpoint_and_may_deepen_it(tuned, analysis, checkpoint, tmp_path):
    deeper = changed(tuned, network={"blocks": 2}, training={"learning_rate": 1e-12})
    resting = deeper.changed(finetuning=(deeper.finetuning[0].changed(learning_rate=1e-12),))
    for _ in train(resting, analysis, tmp_path, initial_checkpoint=checkpoint):
        pass
    found = load_checkpoint(tmp_path)
    assert len(stages(deeper, continues=True)) == 1
    assert found.training["began_with"] == checkpoint.model_id
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


def test_a_training_that_diverges_stops_and_leaves_its_last_checkpoint(system, analysis, tmp_path, monkeypatch):
    run = train(changed(system, training={"checkpoint_iterations": 1}), analysis, tmp_path)
    next(run)
    next(run)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(TrainingRun, "_learning_rate", lambda _: 1e30)
    with pytest.raises(DivergedError, match=r"training of tiny: expected a finite validation loss .* 'denoising'"):
        next(run)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written
    assert load_checkpoint(tmp_path).training["stages"]["denoising"]["iterations"] == 2


def test_a_loss_that_is_no_number_changes_no_weight(system, analysis, tmp_path, monkeypatch):
    run, lost = train(system, analysis, tmp_path), torch.full((4,), torch.nan, requires_grad=True)
    next(run)
    monkeypatch.setattr(Losses, "forward", lambda *_: lost)
    monkeypatch.setattr(Optimiser, "step", lambda _: pytest.fail("a step was made"))
    with pytest.raises(DivergedError, match="expected a finite loss near iteration 2 of 'denoising', found nan"):
        next(run)
    assert not list(tmp_path.glob("model*"))


def test_days_that_an_initial_checkpoint_has_seen_are_not_held_out(tuned, analysis, checkpoint, tmp_path):
    for seen, directory in ((False, tmp_path / "unseen"), (True, tmp_path / "seen")):
        initial = replace(checkpoint, training=checkpoint.training | {"validation_held_out": not seen})
        for _ in train(tuned, analysis, directory, initial_checkpoint=initial):
            pass
        assert load_checkpoint(directory).training["validation_held_out"] is not seen


def test_a_checkpoint_of_other_channels_or_places_is_no_start(system, analysis, checkpoint, tmp_path):
    turned = changed(system, state={"predictands": ("u850", "z500", "tp24")})
    with pytest.raises(ConfigurationError, match=r"expected one with predictands \('u850', 'z500', 'tp24'\)"):
        next(train(turned, analysis, tmp_path, initial_checkpoint=checkpoint))
    elsewhere = analysis.assign_coords(longitude=analysis["longitude"] + 1)
    with pytest.raises(ConfigurationError, match="or other points"):
        next(train(system, elsewhere, tmp_path, initial_checkpoint=checkpoint))


def test_a_checkpoint_of_another_anchor_is_no_start(tuned, analysis, tmp_path):
    faded = changed(tuned, anchor={"kind": "linear", "space": "harmonics", "truncation": 3, "fading": 1})
    for _ in train(faded, analysis, tmp_path / "initial"):
        pass
    sharp = changed(faded, anchor={"fading": 0})
    with pytest.raises(
        ConfigurationError, match=r"expected one with anchor \('linear', 'harmonics', 3, 0\), found .* 3, 1"
    ):
        next(train(sharp, analysis, tmp_path / "sharp", initial_checkpoint=load_checkpoint(tmp_path / "initial")))


def test_a_training_from_weights_is_not_gone_on_with_from_others(tuned, analysis, checkpoint, tmp_path):
    killed = train(tuned, analysis, tmp_path)
    next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match="found another's"):
        next(train(tuned, analysis, tmp_path, initial_checkpoint=checkpoint, resume=True))


def test_a_smaller_network_cannot_take_a_larger_ones_weights(tuned, analysis, checkpoint, tmp_path):
    narrower = changed(tuned, network={"widths": (8, 8)})
    with pytest.raises(ConfigurationError, match="training from a checkpoint"):
        next(train(narrower, analysis, tmp_path, initial_checkpoint=checkpoint))


def test_fine_tuning_lowers_the_crps_of_a_rollout(tuned, analysis, checkpoint, tmp_path):
    longer = tuned.changed(finetuning=(tuned.finetuning[0].changed(iterations=60, learning_rate=3e-3),))
    losses = [state.loss for state in train(longer, analysis, tmp_path, initial_checkpoint=checkpoint)]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
