"""TODO: forecast/calibration/fitting.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecast.calibration.spread_law import SpreadLaw
from pipelines.tuning.validation import ValidationScores

if TYPE_CHECKING:
    from forecast.system.diffusion import Sampler

NOISE_STEP = 0.08
"""Noise levels are tried this far apart, in their logarithm."""
CHURN_FACTORS = (0.1, 0.4)
"""Raise of sigma in each sampling step that is tried."""
SPREAD_WEIGHT = 0.2
"""Weight of the squared ln(spread/skill) beside the relative CRPS: 10 % off costs as much as 0.2 % of the CRPS."""
SPREAD_ROUNDS = 3
LEAST_GAIN = 5e-4
"""Smallest gain that a correction must bring: one of the spread costs network evaluations."""
DIGITS = 4


@dataclass(frozen=True)
class Candidate:
    """One way to correct, and what it reaches.

    Attributes:
        sampler: With its noise level and churn.
        law: Of the spread corrections.
        scores: Of its forecasts.
        relative_crps: Over that of the uncalibrated model.
    """

    sampler: "Sampler"
    law: SpreadLaw
    scores: ValidationScores
    relative_crps: float

    @property
    def cost(self) -> float:
        """Relative CRPS and what the spread lacks."""
        log_ratio, _ = self.scores.log_spread_skill()
        return self.relative_crps + SPREAD_WEIGHT * float((log_ratio**2).mean())


Trial = Callable[["Sampler", SpreadLaw], Candidate]


def fit_noise(raw: Candidate, attempt: Trial) -> Candidate:
    """Least CRPS over the noise level: that of a parabola through three, if it is below all of them."""

    def at(log_factor: float) -> Candidate:
        return attempt(_with(raw.sampler, noise_inflation=raw.sampler.noise_inflation * np.exp(log_factor)), raw.law)

    less, more = at(-NOISE_STEP), at(NOISE_STEP)
    slope = (more.relative_crps - less.relative_crps) / (2 * NOISE_STEP)
    bend = (more.relative_crps - 2 + less.relative_crps) / NOISE_STEP**2
    tried = [raw, less, more]
    # Beyond the range that was tried, a parabola is no evidence.
    lowest = -slope / bend if bend > 0 else -np.sign(slope) * 2 * NOISE_STEP
    if abs(lowest) > NOISE_STEP / 4:
        tried.append(at(float(np.clip(lowest, -3 * NOISE_STEP, 3 * NOISE_STEP))))
    best = min(tried, key=lambda candidate: candidate.relative_crps)
    return best if _is_surely_better(best, raw, raw) else raw


def fit_churn(best: Candidate, raw: Candidate, attempt: Trial) -> Candidate:
    """Least CRPS over a few amounts of churn, where the sampler has any."""
    for amount in _churns(best.sampler):
        candidate = attempt(_with(best.sampler, churn=amount), best.law)
        if _is_surely_better(candidate, best, raw):
            best = candidate
    return best


def _is_surely_better(candidate: Candidate, than: Candidate, raw: Candidate) -> bool:
    """Whether the CRPS falls by more than the chance of these starts."""
    gain, error = candidate.scores.gain(than.scores, raw.scores)
    return gain > max(LEAST_GAIN, error)


def fit_spread(start: Candidate, attempt: Trial) -> Candidate:
    """Spread corrections that lower the cost without raising the CRPS; a step that fails is halved."""
    best, target = start, None
    for _ in range(SPREAD_ROUNDS):
        target = best.law.towards_reliable(*best.scores.log_spread_skill()) if target is None else target
        candidate = attempt(best.sampler, target)
        if candidate.relative_crps <= start.relative_crps and candidate.cost < best.cost:
            best, target = candidate, None
        else:
            target = best.law.halfway_to(target)
    return best if best.cost < start.cost - LEAST_GAIN else start


def _churns(sampler: "Sampler") -> list[float]:
    from forecast.system.names import CHURNED

    if sampler.kind not in CHURNED or sampler.sampling_steps < 2:
        return []
    amounts = {0.0, *(round(factor * sampler.sampling_steps, DIGITS) for factor in CHURN_FACTORS)}
    return sorted(amounts - {sampler.churn})


def most_rollouts(sampler: "Sampler") -> int:
    return 1 + 3 + len(_churns(sampler)) + SPREAD_ROUNDS


def _with(sampler: "Sampler", **changes: float) -> "Sampler":
    rounded = {key: round(float(value), DIGITS) for key, value in changes.items()}
    return type(sampler).model_validate(sampler.model_dump() | rounded)
