"""One model of several lengths of a step: each is anchored, scaled and forecast as if it were the only one."""

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.calibration.card import CalibrationCard, CalibrationRecord, CalibrationScores, save_card
from forecast.calibration.correction import Calibration
from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.members.rollout import rollout
from forecast.model.advance import advance, censored
from forecast.states.conditions import step_length_indices, step_scalars
from forecast.training.directory import PRETRAINING
from forecast.training.initial_model import prepare_model
from forecast.training.samples import learned_samples, make_samples
from forecast.training.train import train

INIT = np.datetime64("2002-01-10", "ns")
DAY, DAYS = 24, 48


@pytest.fixture(scope="module")
def stepped(system):
    """Steps of one and two days, with a linear anchor."""
    return system.changed(
        anchor={"kind": "linear", "eofs": 6, "cross_fitted": False},
        training=system.training.changed(step_hours=(DAYS, DAY), checkpoint_minutes=1e-9),
        finetuning=({"iterations": 3, "batch_size": 4, "lead_steps": 2},),
        sampler=system.sampler.changed(sampling_steps=1),
    )


@pytest.fixture(scope="module")
def trained(stepped, analysis, tmp_path_factory):
    directory = tmp_path_factory.mktemp("stepped")
    for _ in train(stepped, analysis, directory):
        pass
    return directory


def alone(stepped, hours):
    """The same system with steps of one length only."""
    training = stepped.training.changed(step_hours=())
    return stepped.in_steps_of(hours).changed(training=training)


def made(checkpoint, system, analysis, lead_steps=3):
    return list(forecast_members(checkpoint, system, analysis, MemberRequest(INIT, range(2), lead_steps), batch_size=2))


def test_samples_are_those_of_each_length(stepped, analysis, checkpoint):
    joined = learned_samples(make_samples(analysis, checkpoint.standardiser, stepped, lead_steps=2), stepped)
    assert [part.step_hours for part in joined.parts] == [DAY, DAYS]
    for part in joined.parts:
        own = make_samples(analysis, checkpoint.standardiser, alone(stepped, part.step_hours), lead_steps=2)
        torch.testing.assert_close(part.starts, own.starts, rtol=0, atol=0)
        torch.testing.assert_close(part.scalars, own.scalars, rtol=0, atol=0)
    assert len(joined) == sum(map(len, joined.parts)) > len(joined.parts[0])


def test_anchor_and_scale_are_those_of_each_length(stepped, analysis, checkpoint):
    joined = learned_samples(make_samples(analysis, checkpoint.standardiser, stepped), stepped)
    model = prepare_model(stepped, analysis, joined)
    mixed = joined.batch(torch.tensor([5, len(joined.parts[0]) + 7, 30, len(joined) - 1]))
    scalars = mixed.scalars[:, 0]
    numbers = step_length_indices(scalars, model.step_hours)
    assert numbers.tolist() == [0, 1, 0, 1]
    for number, part in enumerate(joined.parts):
        single = prepare_model(alone(stepped, part.step_hours), analysis, part)
        places = numbers == number
        expected = single.anchor(mixed.past[places], scalars[places])
        torch.testing.assert_close(model.anchor(mixed.past, scalars)[places], expected)
        torch.testing.assert_close(model.residual_scale(scalars)[places][0], single.get_buffer("residual_std"))
    # Two days ahead more is missed than one.
    assert (model.get_buffer("residual_std")[1] > model.get_buffer("residual_std")[0]).all()


def test_years_are_left_out_of_the_anchor_of_each_length(stepped, analysis, checkpoint):
    folded = stepped.changed(anchor=stepped.anchor.changed(cross_fitted=True))
    joined = learned_samples(make_samples(analysis, checkpoint.standardiser, folded), folded)
    model = prepare_model(folded, analysis, joined)
    for part in joined.parts:
        single = prepare_model(alone(folded, part.step_hours), analysis, part)
        batch = part.batch(torch.tensor([3, len(part) - 1]))
        given = (batch.past, batch.scalars[:, 0], batch.years)
        torch.testing.assert_close(model.anchor(*given), single.anchor(*given))
        assert not torch.allclose(model.anchor(*given), model.anchor(*given[:2]))


def test_forecasts_take_any_learned_step(stepped, trained, analysis):
    for hours in (DAY, DAYS):
        checkpoint, system = load_checkpoint(trained, step_hours=hours), stepped.in_steps_of(hours)
        forecast = made(checkpoint, system, analysis)
        assert [fields.lead_time / np.timedelta64(1, "h") for fields in forecast] == [hours, 2 * hours, 3 * hours]
        assert checkpoint.model_id == load_checkpoint(trained).model_id


@pytest.mark.parametrize("hours", [DAY, DAYS])
def test_a_rollout_tells_the_model_its_step(stepped, trained, analysis, hours):
    checkpoint = load_checkpoint(trained, step_hours=hours)
    noises = torch.randn(2, 1, 3, 8, 16, generator=torch.Generator().manual_seed(3))
    start = analysis.sel(time=[INIT - np.timedelta64(hours, "h"), INIT])
    past = checkpoint.standardiser.to_tensor(start)[None]
    made = list(rollout(checkpoint, stepped.sampler, past, INIT, range(1, 3), lambda step, draw: noises[step - 1]))
    for step, state in enumerate(made):
        time = np.array([INIT + step * np.timedelta64(hours, "h")])
        bounds = checkpoint.standardiser.lower_bounds(time + np.timedelta64(hours, "h"))
        noise = noises[step]
        expected = advance(checkpoint.model, stepped.sampler, past, step_scalars(time, hours), lambda _, own=noise: own)
        torch.testing.assert_close(state, censored(expected, bounds))
        past = torch.cat([past[:, 1:], state[:, None]], dim=1)


def test_a_mean_network_is_scaled_by_its_step(stepped, analysis, checkpoint, tmp_path):
    with_mean = stepped.changed(anchor={"kind": "mean", "mean": {"iterations": 2, "batch_size": 4}})
    for _ in train(with_mean, analysis, tmp_path):
        pass
    anchor = load_checkpoint(tmp_path).model.anchor
    scales = anchor.model.get_buffer("residual_std")
    assert (scales[1] > scales[0]).all()
    past = torch.randn(2, 2, 3, 8, 16, generator=torch.Generator().manual_seed(2))
    scalars = torch.cat([step_scalars(np.array([INIT]), hours) for hours in (DAY, DAYS)])
    before = anchor(past, scalars) - past[:, -1]
    scales[1].mul_(2)
    after = anchor(past, scalars) - past[:, -1]
    torch.testing.assert_close(after, before * torch.tensor([1.0, 2.0])[:, None, None, None])


def test_windows_of_a_globe_have_an_anchor_of_each_length(stepped, analysis, tmp_path):
    """With both step lengths, the residuals of each equal those of a pretraining with that length alone."""
    globe = analysis[["z500", "u850", "tp24"]]
    region = globe.isel(latitude=slice(4, 8), longitude=slice(2, 10))
    period = {"start": "2001-01-01", "end": "2001-12-31"}
    foreign = {"dataset": "globe", "period": period, "window_degrees": 180.0, "iterations": 2, "batch_size": 4}
    several = stepped.changed(pretraining=foreign, state=stepped.state.changed(static=()))
    found = {}
    for name, learned in {"both": several, DAY: alone(several, DAY), DAYS: alone(several, DAYS)}.items():
        for _ in train(learned, region, tmp_path / str(name), globe=globe):
            pass
        found[name] = load_checkpoint(tmp_path / str(name) / PRETRAINING).model.get_buffer("residual_std")
    torch.testing.assert_close(found["both"], torch.stack([found[DAY], found[DAYS]]))


def test_a_step_that_was_not_learned_is_refused(stepped, trained, checkpoint, system, analysis, tmp_path):
    with pytest.raises(ConfigurationError, match=r"checkpoint .*: expected a step of 24 or 48 h, .* found 12 h"):
        load_checkpoint(trained, step_hours=12)
    with pytest.raises(ConfigurationError, match="expected a step of 24 h, which its model learns, found 48 h"):
        system.in_steps_of(48)
    with pytest.raises(ConfigurationError, match="expected one with steps of 24 and 48 h, found of 24 h"):
        next(train(stepped, analysis, tmp_path, initial_checkpoint=checkpoint))
    for found, message in (((48,), "expected state.step_hours 24 among them"), ((24, 24), "expected each length once")):
        with pytest.raises(ValueError, match=message):
            stepped.changed(training=stepped.training.changed(step_hours=found))


def test_the_order_of_lengths_changes_nothing(stepped):
    assert stepped.learned_step_hours == (24, 48)  # given the other way round
    ascending = stepped.changed(training=stepped.training.changed(step_hours=(24, 48)))
    assert ascending.training_hash() == stepped.training_hash()


def test_a_training_of_several_steps_resumes_bit_for_bit(stepped, trained, analysis, tmp_path):
    killed = train(stepped, analysis, tmp_path)
    for _ in range(8):  # within the second stage
        next(killed)
    killed.close()
    for _ in train(stepped, analysis, tmp_path, resume=True):
        pass
    assert load_checkpoint(tmp_path).model_id == load_checkpoint(trained).model_id


def test_a_card_is_used_for_the_default_step_only(stepped, trained, analysis):
    identity = load_checkpoint(trained).model_id
    spread = dict.fromkeys(stepped.state.predictands, (1.5,))
    sampler = stepped.sampler
    scores = CalibrationScores(crps={}, spread_skill={})
    record = CalibrationRecord(
        period=("2001-12-01", "2001-12-31"), starts=1, members=2, seen_in_training=False, relative_crps=1.0,
        before=scores, after=scores,
    )  # fmt: skip
    calibration = Calibration(fitted_to=sampler, sampler=sampler, centre="mirrored", spread=spread)
    path = save_card(trained, CalibrationCard(model_id=identity, calibration=calibration, record=record))
    try:
        assert load_checkpoint(trained).calibration == calibration
        other = load_checkpoint(trained, step_hours=DAYS)
        assert (other.calibration, other.model_id) == (None, identity)
    finally:
        path.unlink()


def test_what_a_sample_is_scaled_by_is_told_by_its_lead_time():
    times = np.array(["2001-06-01T00"], dtype="datetime64[ns]")
    scalars = torch.cat([step_scalars(times, hours) for hours in (6, 24, 12, 1)])
    assert step_length_indices(scalars, (1, 6, 12, 24)).tolist() == [1, 3, 2, 0]
