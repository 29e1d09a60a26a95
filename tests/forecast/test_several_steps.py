"""One model of several lengths of a step: each is anchored, scaled and forecast as if it were the only one."""

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.calibration import Calibration
from forecast.calibration_cards import CalibrationCard, CalibrationRecord, CalibrationScores, save_card
from forecast.checkpoints import load_checkpoint
from forecast.conditioning import step_numbers, step_scalars
from forecast.ensemble import forecast_members
from forecast.initial_model import prepare_model
from forecast.samples import learned_samples, make_samples
from forecast.system import System
from forecast.training import train

INIT = np.datetime64("2002-01-10", "ns")
DAY, DAYS = 24, 48


@pytest.fixture(scope="module")
def stepped(system):
    """Steps of one day and of two, on a linear anchor."""
    content = system.model_dump() | {"anchor": {"kind": "linear", "eofs": 6, "cross_fitted": False}}
    content["training"] |= {"step_hours": (DAYS, DAY), "checkpoint_minutes": 1e-9}
    content |= {"finetuning": [{"iterations": 3, "batch_size": 4, "lead_steps": 2}]}
    content["sampler"] |= {"sampling_steps": 1}
    return System.model_validate(content)


@pytest.fixture(scope="module")
def trained(stepped, analysis, tmp_path_factory):
    directory = tmp_path_factory.mktemp("stepped")
    for _ in train(stepped, analysis, directory):
        pass
    return directory


def alone(stepped, hours):
    """The same system with steps of one length only."""
    training = stepped.training.model_copy(update={"step_hours": ()})
    return stepped.in_steps_of(hours).model_copy(update={"training": training})


def made(checkpoint, system, analysis, lead_steps=3):
    return list(forecast_members(checkpoint, system, analysis, INIT, range(2), lead_steps, batch_size=2))


def test_samples_are_those_of_each_length(stepped, analysis, checkpoint):
    joined = learned_samples(analysis, checkpoint.standardiser, stepped, lead_steps=2)
    assert [part.step_hours for part in joined.parts] == [DAY, DAYS]
    for part in joined.parts:
        own = make_samples(analysis, checkpoint.standardiser, alone(stepped, part.step_hours), lead_steps=2)
        torch.testing.assert_close(part.starts, own.starts, rtol=0, atol=0)
        torch.testing.assert_close(part.scalars, own.scalars, rtol=0, atol=0)
    assert len(joined) == sum(map(len, joined.parts)) > len(joined.parts[0])


def test_anchor_and_scale_are_those_of_each_length(stepped, analysis, checkpoint):
    joined = learned_samples(analysis, checkpoint.standardiser, stepped)
    model = prepare_model(stepped, analysis, joined)
    mixed = joined.windows(torch.tensor([5, len(joined.parts[0]) + 7, 30, len(joined) - 1]))
    scalars = mixed.scalars[:, 0]
    numbers = step_numbers(scalars, model.step_hours)
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
    content = stepped.model_dump()
    content["anchor"] |= {"cross_fitted": True}
    folded = System.model_validate(content)
    joined = learned_samples(analysis, checkpoint.standardiser, folded)
    model = prepare_model(folded, analysis, joined)
    for part in joined.parts:
        single = prepare_model(alone(folded, part.step_hours), analysis, part)
        windows = part.windows(torch.tensor([3, len(part) - 1]))
        given = (windows.past, windows.scalars[:, 0], windows.years)
        torch.testing.assert_close(model.anchor(*given), single.anchor(*given))
        assert not torch.allclose(model.anchor(*given), model.anchor(*given[:2]))


def test_forecasts_take_any_learned_step(stepped, trained, analysis):
    for hours in (DAY, DAYS):
        checkpoint, system = load_checkpoint(trained, step_hours=hours), stepped.in_steps_of(hours)
        forecast = made(checkpoint, system, analysis)
        assert [fields.lead_time / np.timedelta64(1, "h") for fields in forecast] == [hours, 2 * hours, 3 * hours]
    assert checkpoint.model_id == load_checkpoint(trained).model_id
    daily, two_daily = (
        made(load_checkpoint(trained, step_hours=h), stepped.in_steps_of(h), analysis) for h in (24, 48)
    )
    assert not np.allclose(daily[1].fields["z500"], two_daily[0].fields["z500"])


def test_a_step_that_was_not_learned_is_refused(stepped, trained, checkpoint, system, analysis, tmp_path):
    with pytest.raises(ConfigurationError, match=r"checkpoint .*: expected a step of 24 or 48 h, .* found 12 h"):
        load_checkpoint(trained, step_hours=12)
    with pytest.raises(ConfigurationError, match="expected a step of 24 h, which its model learns, found 48 h"):
        system.in_steps_of(48)
    with pytest.raises(ConfigurationError, match=r"expected one with steps of \(24, 48\) h, found \(24,\)"):
        next(train(stepped, analysis, tmp_path, begin_with=checkpoint))
    for found in ((48,), (24, 24)):
        content = stepped.model_dump()
        content["training"] |= {"step_hours": found}
        with pytest.raises(ValueError, match=r"expected each length once and .* 24 among them"):
            System.model_validate(content)


def test_a_training_of_several_steps_goes_on_bit_for_bit(stepped, trained, analysis, tmp_path):
    killed = train(stepped, analysis, tmp_path)
    for _ in range(8):  # within the second stage
        next(killed)
    killed.close()
    for _ in train(stepped, analysis, tmp_path, resume=True):
        pass
    assert load_checkpoint(tmp_path).model_id == load_checkpoint(trained).model_id


def test_a_card_is_of_the_systems_own_step(stepped, trained, analysis):
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
    assert step_numbers(scalars, (1, 6, 12, 24)).tolist() == [1, 3, 2, 0]
