"""Fit a calibration: the noise level, the churn and the spread corrections that score best on validation days.

Noise level and churn minimise the fair CRPS. The spread corrections then bring the spread of the ensemble to the error
of its mean, as far as the CRPS does not rise: they hardly move the mean, and so change the CRPS little. All trials use
the same starts and the same noise, so that their differences are known much better than the scores themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from forecast.calibration.correction import Calibration, centre_of
from forecast.calibration.spread_law import SpreadLaw
from forecast.system.diffusion import Sampler
from forecast.system.names import CHURNED

NOISE_STEP = 0.08
"""Spacing, in ln(noise inflation), of the noise levels that are tried."""
CHURN_FACTORS = (0.1, 0.4)
"""Fractions by which each sampling step raises sigma, for the amounts of churn that are tried."""
SPREAD_WEIGHT = 0.2
"""Weight of the squared ln(spread/skill) beside the relative CRPS: 10 % off costs as much as 0.2 % of the CRPS."""
SPREAD_ROUNDS = 3
"""Spread corrections that are tried, one after the other."""
LEAST_GAIN = 5e-4
"""Smallest fall of the relative CRPS worth a correction: one of the spread costs further network evaluations."""
DIGITS = 4
"""Decimal places that fitted numbers are rounded to."""


class EnsembleScores(Protocol):
    """Scores of forecasts from the same starts, made with one calibration."""

    def relative_crps(self, reference: Self) -> float:
        """Fair CRPS divided by that of `reference`, averaged over channels and lead times."""

    def gain(self, other: Self, reference: Self) -> tuple[float, float]:
        """Excess of `other`'s CRPS over this one, as a share of `reference`'s, and the standard error of the excess."""

    def log_spread_skill(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """ln(spread / error of the ensemble mean) and its standard error, each of shape (channel, lead_time)."""


Scores = TypeVar("Scores", bound=EnsembleScores)


@dataclass(frozen=True)
class Candidate(Generic[Scores]):
    """A calibration that was tried, and its scores.

    Attributes:
        sampler: The system's sampler with the noise level and churn that were tried.
        law: The spread corrections that were tried.
        scores: Scores of the forecasts.
        relative_crps: Fair CRPS of the forecasts divided by that of the uncalibrated model.
    """

    sampler: Sampler
    law: SpreadLaw
    scores: Scores
    relative_crps: float

    @property
    def cost(self) -> float:
        """The relative CRPS plus a penalty on spread that does not match the error."""
        log_ratio, _ = self.scores.log_spread_skill()
        return self.relative_crps + SPREAD_WEIGHT * float((log_ratio**2).mean())


Trial = Callable[[Sampler, SpreadLaw], Candidate[Scores]]
"""Forecasts with a sampler and spread corrections, and scores the forecasts."""


def fit_calibration(
    sampler: Sampler,
    channels: tuple[str, ...],
    lead_hours: NDArray[np.float64],
    score: Callable[[Calibration], Scores],
) -> tuple[Candidate[Scores], Candidate[Scores]]:
    """Find the calibration that scores best: first its noise level, then its churn, then its spread corrections.

    Args:
        sampler: The system's sampler.
        channels: The channels that are forecast, in the order of the state.
        lead_hours: Lead time of each scored lead step, hours, ascending.
        score: Forecasts from every validation start with a calibration, and scores the forecasts. It is called
            `most_rollouts(sampler)` times at most.

    Returns:
        The uncalibrated model and the best candidate, which are the same where no calibration is surely better.
    """
    neutral = SpreadLaw.neutral(len(channels), lead_hours)
    raw_scores = score(calibration_of(sampler, channels, sampler, neutral))
    raw = Candidate(sampler, neutral, raw_scores, 1.0)

    def attempt(changed: Sampler, law: SpreadLaw) -> Candidate[Scores]:
        scores = score(calibration_of(sampler, channels, changed, law))
        return Candidate(changed, law, scores, scores.relative_crps(raw_scores))

    best = _fit_churn(_fit_noise(raw, attempt), raw, attempt)
    return raw, _fit_spread(best, attempt)


def calibration_of(fitted_to: Sampler, channels: tuple[str, ...], sampler: Sampler, law: SpreadLaw) -> Calibration:
    """Return the calibration that uses a sampler and spread corrections in place of a system's sampler alone.

    Args:
        fitted_to: The system's sampler.
        channels: The channels that are forecast, in the order of the state.
        sampler: The sampler to use.
        law: The spread corrections, of the same channels.
    """
    factors = law.factors().round(DIGITS).tolist()
    spread = dict(zip(channels, map(tuple, factors), strict=True))
    return Calibration(fitted_to=fitted_to, sampler=sampler, centre=centre_of(sampler), spread=spread)


def most_rollouts(sampler: Sampler) -> int:
    """Return how many calibrations `fit_calibration` tries at most, the uncalibrated model included."""
    return 1 + 3 + len(_churns(sampler)) + SPREAD_ROUNDS


def _fit_noise(raw: Candidate[Scores], attempt: Trial[Scores]) -> Candidate[Scores]:
    """Try three noise levels, and a fourth where the parabola through them is lowest."""

    def at(log_factor: float) -> Candidate[Scores]:
        return attempt(_with(raw.sampler, noise_inflation=raw.sampler.noise_inflation * np.exp(log_factor)), raw.law)

    less, more = at(-NOISE_STEP), at(NOISE_STEP)
    slope = (more.relative_crps - less.relative_crps) / (2 * NOISE_STEP)
    bend = (more.relative_crps - 2 + less.relative_crps) / NOISE_STEP**2
    tried = [raw, less, more]
    # A parabola is no evidence far outside the range that was tried, so the minimum is clipped to it below.
    lowest = -slope / bend if bend > 0 else -np.sign(slope) * 2 * NOISE_STEP
    if abs(lowest) > NOISE_STEP / 4:
        tried.append(at(float(np.clip(lowest, -3 * NOISE_STEP, 3 * NOISE_STEP))))
    best = min(tried, key=lambda candidate: candidate.relative_crps)
    return best if _is_surely_better(best, raw, raw) else raw


def _fit_churn(best: Candidate[Scores], raw: Candidate[Scores], attempt: Trial[Scores]) -> Candidate[Scores]:
    """Try a few amounts of churn, if the sampler can churn at all."""
    for amount in _churns(best.sampler):
        candidate = attempt(_with(best.sampler, churn=amount), best.law)
        if _is_surely_better(candidate, best, raw):
            best = candidate
    return best


def _is_surely_better(candidate: Candidate[Scores], than: Candidate[Scores], raw: Candidate[Scores]) -> bool:
    """Whether the CRPS falls by more than its standard error, and by enough to matter."""
    gain, error = candidate.scores.gain(than.scores, raw.scores)
    return gain > max(LEAST_GAIN, error)


def _fit_spread(start: Candidate[Scores], attempt: Trial[Scores]) -> Candidate[Scores]:
    """Correct the spread as long as this lowers the cost without raising the CRPS; a step that fails is halved."""
    best, target = start, None
    for _ in range(SPREAD_ROUNDS):
        target = best.law.towards_reliable(*best.scores.log_spread_skill()) if target is None else target
        candidate = attempt(best.sampler, target)
        if candidate.relative_crps <= start.relative_crps and candidate.cost < best.cost:
            best, target = candidate, None
        else:
            target = best.law.halfway_to(target)
    return best if best.cost < start.cost - LEAST_GAIN else start


def _churns(sampler: Sampler) -> list[float]:
    """Amounts of churn to try, ascending."""
    if sampler.kind not in CHURNED or sampler.sampling_steps < 2:
        return []
    amounts = {0.0, *(round(factor * sampler.sampling_steps, DIGITS) for factor in CHURN_FACTORS)}
    return sorted(amounts - {sampler.churn})


def _with(sampler: Sampler, **changes: float) -> Sampler:
    return sampler.changed(**{key: round(float(value), DIGITS) for key, value in changes.items()})
