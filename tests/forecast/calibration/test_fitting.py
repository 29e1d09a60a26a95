"""Fitting finds the noise level, churn and spread with the best scores, and makes no insignificant changes."""

from dataclasses import dataclass

import numpy as np
import pytest

from forecast.calibration.fitting import calibration_of, fit_calibration, most_rollouts
from forecast.calibration.spread_law import SpreadLaw
from forecast.system.diffusion import Sampler

CHURNING = Sampler(kind="heun", sampling_steps=2)
LEADS = np.array([24.0, 48.0])


@dataclass(frozen=True)
class Known:
    """Scores with given CRPS and spread, the same for every start."""

    crps: float
    log_ratio: float
    error: float

    def relative_crps(self, reference: "Known") -> float:
        return self.crps / reference.crps

    def gain(self, other: "Known", reference: "Known") -> tuple[float, float]:
        return (other.crps - self.crps) / reference.crps, self.error

    def log_spread_skill(self):
        return np.full((2, 2), self.log_ratio), np.full((2, 2), 0.01)


class Model:
    """Forecasts whose CRPS has its minimum at a known noise inflation, and whose spread is off by a known factor."""

    def __init__(self, *, best_noise: float, churn_gain: float = 0.0, log_ratio: float = 0.0, error: float = 0.0):
        self.best_noise, self.churn_gain, self.log_ratio, self.error = best_noise, churn_gain, log_ratio, error
        self.tried = []

    def score(self, calibration):
        self.tried.append(calibration)
        sampler = calibration.sampler
        off = np.log(sampler.noise_inflation / self.best_noise)
        spread = self.log_ratio + np.log(calibration.spread["msl"][0])
        crps = 1.0 + off**2 - (self.churn_gain if sampler.churn == 0.8 else 0.0)
        return Known(crps, spread, self.error)

    def fit(self, sampler=CHURNING):
        return fit_calibration(sampler, ("msl", "t2m"), LEADS, self.score)


@pytest.mark.parametrize("best_noise", [0.95, 1.1, 1.2])
def test_the_noise_level_of_least_crps_is_found(best_noise):
    raw, best = Model(best_noise=best_noise).fit()
    assert raw.sampler == CHURNING
    assert best.sampler.noise_inflation == pytest.approx(best_noise, abs=1e-3)
    assert best.relative_crps < 1.0


def test_the_minimum_is_clipped_to_the_tried_range():
    _, best = Model(best_noise=3.0).fit()
    assert best.sampler.noise_inflation == pytest.approx(np.exp(0.24), abs=1e-4)


def test_insignificant_gains_change_nothing():
    raw, best = Model(best_noise=1.1, error=0.5).fit()
    assert best == raw


def test_churn_is_tried_if_the_sampler_can_churn():
    model = Model(best_noise=1.0, churn_gain=0.1)
    _, best = model.fit()
    assert best.sampler.churn == 0.8
    assert {each.sampler.churn for each in model.tried} == {0.0, 0.2, 0.8}
    once = Model(best_noise=1.0)
    once.fit(CHURNING.changed(sampling_steps=1))
    assert {each.sampler.churn for each in once.tried} == {0.0}


def test_a_narrow_ensemble_is_widened():
    _, best = Model(best_noise=1.0, log_ratio=np.log(0.8)).fit()
    factors = best.law.factors()
    assert (factors > 1.15).all()
    assert best.cost < 1.01


@pytest.mark.parametrize("sampler", [CHURNING, Sampler(kind="dpmpp-2m", sampling_steps=4)])
def test_no_more_rollouts_than_announced(sampler):
    model = Model(best_noise=1.2, log_ratio=-0.2)
    model.fit(sampler)
    assert len(model.tried) <= most_rollouts(sampler)
    uncalibrated = model.tried[0]
    assert uncalibrated.correction(1) is None
    assert uncalibrated.sampler == sampler


def test_factors_are_rounded_and_named_by_channel():
    law = SpreadLaw(np.array([[0.1, 0.1], [0.0, 0.0]]), LEADS)
    calibration = calibration_of(CHURNING, ("msl", "t2m"), CHURNING, law)
    assert calibration.spread == {"msl": (1.1052, 1.1052), "t2m": (1.0, 1.0)}
