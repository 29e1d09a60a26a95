"""Corrections scale the spread, and members stay functions of their numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.calibration.correction import Calibration, Correction, centre_of, draw_corrected
from forecast.diffusion.from_settings import draw_sample
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.system.diffusion import Sampler

INIT = np.datetime64("2001-12-10", "ns")
ONE = Sampler(kind="euler", sampling_steps=1, sigma_max=20.0)
TWO = Sampler(kind="heun", sampling_steps=2, sigma_max=3.0)
MANY = Sampler(kind="heun", sampling_steps=8)


def calibration(system, factor=1.3, **changes):
    spread = dict.fromkeys(system.state.predictands, (factor, 1.0))
    given = {"fitted_to": system.sampler, "sampler": system.sampler, "centre": "mirrored", "spread": spread}
    return Calibration(**(given | changes))


def z500(checkpoint, system, analysis, members, batch_size):
    made = forecast_members(checkpoint, system, analysis, MemberRequest(INIT, members, 3), batch_size=batch_size)
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


def test_the_centre_depends_on_the_number_of_evaluations():
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


def test_without_factors_members_are_bit_identical(checkpoint, system, analysis):
    neutral = replace(checkpoint, calibration=calibration(system, factor=1.0))
    expected = z500(checkpoint, system, analysis, range(4), batch_size=2)
    np.testing.assert_array_equal(z500(neutral, system, analysis, range(4), batch_size=2), expected)


def test_a_card_of_another_sampler_is_refused(checkpoint, system, analysis):
    other = replace(checkpoint, calibration=calibration(system, fitted_to=ONE))
    with pytest.raises(ConfigurationError, match="expected a card fitted to the sampler of system 'tiny'"):
        next(forecast_members(other, system, analysis, MemberRequest(INIT, [0], 1), batch_size=1))
