"""Cards correct the spread, belong to one checkpoint, enter its identity, and leave members what they are."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.calibration.card import CARD, CalibrationCard, CalibrationRecord, CalibrationScores, save_card
from forecast.calibration.correction import Calibration, Correction, centre_of, draw_corrected
from forecast.calibration.spread_law import SpreadLaw
from forecast.checkpoints.files import load_checkpoint, save_checkpoint
from forecast.diffusion.from_settings import draw_sample
from forecast.members.ensemble import forecast_members
from forecast.system.diffusion import Sampler

INIT = np.datetime64("2001-12-10", "ns")
ONE = Sampler(kind="euler", sampling_steps=1, sigma_max=20.0)
TWO = Sampler(kind="heun", sampling_steps=2, sigma_max=3.0)
MANY = Sampler(kind="heun", sampling_steps=8)


def calibration(system, factor=1.3, **changes):
    spread = dict.fromkeys(system.state.predictands, (factor, 1.0))
    given = {"fitted_to": system.sampler, "sampler": system.sampler, "centre": "mirrored", "spread": spread}
    return Calibration(**(given | changes))


def card_for(checkpoint, fitted):
    empty = CalibrationScores(crps={}, spread_skill={})
    record = CalibrationRecord(
        period=("2001-12-01", "2001-12-31"),
        starts=2,
        members=3,
        seen_in_training=False,
        relative_crps=0.99,
        before=empty,
        after=empty,
    )
    return CalibrationCard(model_id=checkpoint.model_id, calibration=fitted, record=record)


@pytest.fixture
def directory(checkpoint, tmp_path):
    save(checkpoint, tmp_path)
    return tmp_path


def save(checkpoint, directory, weights=None):
    return save_checkpoint(
        directory,
        system=checkpoint.system,
        grid=checkpoint.grid,
        standardiser=checkpoint.standardiser,
        weights=[weights or checkpoint.model.state_dict()],
        training=checkpoint.training,
    )


def z500(checkpoint, system, analysis, members, batch_size):
    made = forecast_members(checkpoint, system, analysis, INIT, members, 3, batch_size=batch_size)
    blocks = [fields for fields in made if fields.lead_index == 2]
    return np.concatenate([block.fields["z500"] for block in blocks])


def gaussian(std):
    """Exact denoiser of independent values of mean 2."""

    def denoiser(x, sigma):
        level = sigma[:, None, None, None].square()
        return (x * std**2 + 2.0 * level) / (std**2 + level)

    return denoiser


@pytest.mark.parametrize(("sampler", "tolerance"), [(MANY, 0.02), (TWO, 1e-5)])
def test_the_spread_is_scaled_about_the_mean(sampler, tolerance):
    noise = torch.randn(400, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    correction = Correction(torch.tensor([1.5, 1.0])[:, None, None], centre_of(sampler))
    plain = draw_sample(sampler, gaussian(0.7), lambda draw: noise)
    corrected = draw_corrected(sampler, gaussian(0.7), lambda draw: noise, correction)
    torch.testing.assert_close(corrected[:, 1], plain[:, 1], rtol=0, atol=0)
    assert float(corrected[:, 0].std() / plain[:, 0].std()) == pytest.approx(1.5, rel=tolerance)
    shift = float((corrected - plain)[:, 0].mean() / plain[:, 0].std())
    assert abs(shift) < 0.02


def test_one_evaluation_is_mirrored_and_many_take_the_first_estimate():
    assert (centre_of(ONE), centre_of(MANY)) == ("mirrored", "first-estimate")


def test_the_last_factor_holds_for_later_leads(system):
    fitted = calibration(system)
    assert fitted.correction(1) is not None
    assert fitted.correction(2) is None
    assert fitted.correction(30) is None


@pytest.mark.parametrize("centre", ["mirrored", "first-estimate"])
def test_a_corrected_member_is_the_same_alone_and_in_any_batch(checkpoint, system, analysis, centre):
    corrected = replace(checkpoint, calibration=calibration(system, centre=centre))
    together = z500(corrected, system, analysis, range(20), batch_size=20)
    alone = z500(corrected, system, analysis, [7], batch_size=1)
    np.testing.assert_allclose(alone[0], together[7], atol=1e-4 * checkpoint.standardiser.std[0], rtol=0)
    assert np.abs(together - z500(checkpoint, system, analysis, range(20), batch_size=20)).max() > 1.0


def test_without_factors_nothing_changes_by_a_bit(checkpoint, system, analysis):
    neutral = replace(checkpoint, calibration=calibration(system, factor=1.0))
    expected = z500(checkpoint, system, analysis, range(4), batch_size=2)
    np.testing.assert_array_equal(z500(neutral, system, analysis, range(4), batch_size=2), expected)


def test_identity_follows_the_card(checkpoint, system, directory):
    without = load_checkpoint(directory)
    assert (without.model_id, without.calibration, without.card_sha256) == (checkpoint.model_id, None, None)
    card = card_for(checkpoint, calibration(system))
    save_card(directory, card)
    first = load_checkpoint(directory)
    assert first.calibration == card.calibration
    assert first.card_sha256 == card.sha256
    save_card(directory, card_for(checkpoint, calibration(system, factor=1.2)))
    second = load_checkpoint(directory)
    assert len({without.model_id, first.model_id, second.model_id}) == 3
    assert load_checkpoint(directory, calibrated=False).model_id == without.model_id


def test_a_damaged_card_is_found(checkpoint, system, directory):
    path = save_card(directory, card_for(checkpoint, calibration(system)))
    path.write_text(path.read_text().replace("1.3", "1.4", 1))
    with pytest.raises(
        InvalidDataError, match=r"calibration\.json: expected sha256 .* found .*; calibrate the checkpoint again"
    ):
        load_checkpoint(directory)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(InvalidDataError, match="expected JSON"):
        load_checkpoint(directory)
    path.write_text("[]")
    with pytest.raises(InvalidDataError, match="expected a table, found list"):
        load_checkpoint(directory)
    path.write_text(json.dumps({"format_version": 9}))
    with pytest.raises(ConfigurationError, match="expected format_version 1, found 9"):
        load_checkpoint(directory)


def test_a_card_of_other_weights_is_refused_and_goes_when_they_are_replaced(checkpoint, system, directory):
    path = save_card(directory, card_for(replace(checkpoint, model_id="f" * 64), calibration(system)))
    with pytest.raises(ConfigurationError, match=r"expected the card of model .* found that of ffffffffffff"):
        load_checkpoint(directory)
    save_card(directory, card_for(checkpoint, calibration(system)))
    save(checkpoint, directory)
    assert path.exists()
    weights = {name: value.clone() for name, value in checkpoint.model.state_dict().items()}
    weights["position"] += 1e-3
    save(checkpoint, directory, weights)
    assert not (directory / CARD).exists()


def test_a_card_of_another_sampler_is_refused(checkpoint, system, analysis):
    other = replace(checkpoint, calibration=calibration(system, fitted_to=ONE))
    with pytest.raises(ConfigurationError, match="expected a card fitted to the sampler of system 'tiny'"):
        next(forecast_members(other, system, analysis, INIT, [0], 1, batch_size=1))


def test_factors_widen_what_is_too_narrow_and_are_shrunk():
    hours = np.arange(1, 11) * 24.0
    neutral = SpreadLaw.neutral(2, hours)
    np.testing.assert_array_equal(neutral.factors(), np.ones((2, 10)))
    narrow = np.log(np.array([[0.8] * 10, [1.0] * 10]))
    sure = neutral.towards_reliable(narrow, np.full((2, 10), 0.01)).factors()
    unsure = neutral.towards_reliable(narrow, np.full((2, 10), 0.3)).factors()
    assert 1.2 < sure[0].mean() < 1.27
    assert 1.0 < unsure[0].mean() < sure[0].mean()
    assert abs(unsure[0] - unsure[1]).max() < abs(sure[0] - sure[1]).max()
