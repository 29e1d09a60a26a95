"""A trained model's noise level, churn and spread, fitted on validation days and kept as a card beside it.

Noise level and churn are those of least fair CRPS. The spread corrections, which leave the ensemble mean nearly as it
is and move the CRPS little, bring the spread to the error of the mean as far as the CRPS gets no worse.
"""

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_catalog.errors import ConfigurationError
from forecast.spread_law import SpreadLaw
from forecast.system import Period, System
from pipelines.analyses import open_system_analysis
from pipelines.progress import progress
from pipelines.systems import check_same_state, warn_of_unfinished
from pipelines.validating import (
    Validation,
    ValidationScores,
    refuse_test_days,
    spaced_starts,
    warn_of_learned_days,
)

if TYPE_CHECKING:
    from forecast.calibration import Calibration
    from forecast.calibration_cards import CalibrationCard, CalibrationRecord, CalibrationScores
    from forecast.checkpoints import Checkpoint
    from forecast.diffusion.settings import Sampler

logger = logging.getLogger("plumecast")

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
class CalibrationRequest:
    """What to calibrate, and on what.

    Attributes:
        system: Which system.
        analysis: Archive or file to start from and to judge by.
        checkpoint: Directory of the model, which gets the card.
        period: Days to fit to.
        starts: Forecasts, spread evenly over the period.
        members: Size of each ensemble.
        lead_steps: Steps of the system.
        device: Where to compute.
    """

    system: System
    analysis: Path
    checkpoint: Path
    period: Period
    starts: int
    members: int
    lead_steps: int
    device: str = "cpu"


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


def calibrate(wanted: CalibrationRequest) -> "CalibrationCard":
    """Fit a card and write it beside the checkpoint, in place of an earlier one.

    Raises:
        ConfigurationError: The period holds test days, or the checkpoint is of another system.
        MissingDataError: No start has all the analyses that it needs.
    """
    from forecast.calibration_cards import CalibrationCard, save_card
    from forecast.checkpoints import load_checkpoint

    checkpoint = load_checkpoint(wanted.checkpoint, calibrated=False)
    check_same_state(wanted.system, checkpoint.system, wanted.checkpoint)
    warn_of_unfinished(checkpoint, wanted.checkpoint)
    refuse_test_days(wanted.period, wanted.system, checkpoint.system)
    if wanted.members < len(checkpoint.models):
        raise ConfigurationError(
            f"--members: expected at least one for each of the {len(checkpoint.models)} networks of "
            f"{wanted.checkpoint}, found {wanted.members}"
        )
    validation = _validation(wanted)
    rollouts = _most_rollouts(wanted.system.sampler)
    with progress(f"Calibrate {wanted.system.name}", rollouts * len(validation.starts), "forecasts") as advance:
        counted = itertools.count(1)
        raw, best = _fit(checkpoint, validation, lambda: advance(next(counted)))
    card = CalibrationCard(
        model_id=checkpoint.model_id,
        calibration=_calibration(wanted.system, best.sampler, best.law),
        record=_record(wanted.period, checkpoint, validation, raw, best),
    )
    save_card(wanted.checkpoint, card)
    return card


def _validation(wanted: CalibrationRequest) -> Validation:
    if wanted.members < 2:
        raise ConfigurationError(f"--members: expected at least 2, found {wanted.members}")
    analysis = open_system_analysis(wanted.analysis, wanted.system)
    starts = spaced_starts(
        wanted.system, analysis["time"].values, wanted.period, count=wanted.starts, lead_steps=wanted.lead_steps
    )
    return Validation(wanted.system, analysis, tuple(starts), wanted.members, wanted.lead_steps, wanted.device)


def _fit(checkpoint: "Checkpoint", validation: Validation, tick: Callable[[], None]) -> tuple[Candidate, Candidate]:
    """The uncalibrated model and the best that was found; the same noise throughout."""
    system = validation.system
    lead_hours = np.arange(1.0, validation.lead_steps + 1) * system.state.step_hours
    neutral = SpreadLaw.neutral(len(system.state.predictands), lead_hours)
    raw_scores = validation.score(checkpoint, tick)
    raw = Candidate(system.sampler, neutral, raw_scores, 1.0)

    def attempt(sampler: "Sampler", law: SpreadLaw) -> Candidate:
        scores = validation.score(replace(checkpoint, calibration=_calibration(system, sampler, law)), tick)
        return Candidate(sampler, law, scores, scores.relative_crps(raw_scores))

    best = _fit_churn(_fit_noise(raw, attempt), raw, attempt)
    return raw, _fit_spread(best, attempt)


def _fit_noise(raw: Candidate, attempt: Trial) -> Candidate:
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


def _fit_churn(best: Candidate, raw: Candidate, attempt: Trial) -> Candidate:
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


def _fit_spread(start: Candidate, attempt: Trial) -> Candidate:
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
    from forecast.diffusion.names import CHURNED

    if sampler.kind not in CHURNED or sampler.sampling_steps < 2:
        return []
    amounts = {0.0, *(round(factor * sampler.sampling_steps, DIGITS) for factor in CHURN_FACTORS)}
    return sorted(amounts - {sampler.churn})


def _most_rollouts(sampler: "Sampler") -> int:
    return 1 + 3 + len(_churns(sampler)) + SPREAD_ROUNDS


def _with(sampler: "Sampler", **changes: float) -> "Sampler":
    rounded = {key: round(float(value), DIGITS) for key, value in changes.items()}
    return type(sampler).model_validate(sampler.model_dump() | rounded)


def _calibration(system: System, sampler: "Sampler", law: SpreadLaw) -> "Calibration":
    from forecast.calibration import Calibration, centre_of

    factors = law.factors().round(DIGITS).tolist()
    spread = dict(zip(system.state.predictands, map(tuple, factors), strict=True))
    return Calibration(fitted_to=system.sampler, sampler=sampler, centre=centre_of(sampler), spread=spread)


def _record(
    period: Period, checkpoint: "Checkpoint", validation: Validation, raw: Candidate, best: Candidate
) -> "CalibrationRecord":
    from forecast.calibration_cards import CalibrationRecord

    return CalibrationRecord(
        period=(str(period.start), str(period.end)),
        starts=len(validation.starts),
        members=validation.members,
        seen_in_training=warn_of_learned_days(checkpoint, period),
        relative_crps=_rounded(best.relative_crps),
        before=_tables(raw.scores),
        after=_tables(best.scores),
    )


def _tables(scores: ValidationScores) -> "CalibrationScores":
    from forecast.calibration_cards import CalibrationScores

    def table(name: str) -> dict[str, dict[str, float]]:
        field = scores.scores[name].transpose("channel", "lead_time")
        hours = [f"{float(lead / np.timedelta64(1, 'h')):g}" for lead in field["lead_time"].values]
        channels = field["channel"].values.tolist()
        return {
            channel: dict(zip(hours, map(_rounded, row), strict=True))
            for channel, row in zip(channels, field.values.tolist(), strict=True)
        }

    return CalibrationScores(crps=table("crps"), spread_skill=table("spread_skill"))


def _rounded(value: float) -> float:
    """To as many digits as mean something, so that a card does not hang on the order of sums."""
    return float(f"{value:.5g}")


def describe_card(card: "CalibrationCard") -> str:
    """What a card changes, for people."""
    fitted, record = card.calibration, card.record
    lines = [
        f"noise x {fitted.sampler.noise_inflation:g} (system: {fitted.fitted_to.noise_inflation:g}), "
        f"churn {fitted.sampler.churn:g}; fair CRPS x {record.relative_crps:g} over {record.starts} starts of "
        f"{record.period[0]} to {record.period[1]} with {record.members} members",
        f"{'':8} {'lead':>6} {'spread x':>9} {'CRPS':>10} {'before':>10} {'spread/skill':>13} {'before':>7}",
    ]
    for channel, factors in fitted.spread.items():
        leads = list(record.after.crps[channel])
        for place in sorted({0, len(leads) // 2, len(leads) - 1}):
            lead = leads[place]
            after, before = record.after, record.before
            lines.append(
                f"{channel:8} {lead + ' h':>6} {factors[place]:9.3f} {after.crps[channel][lead]:10.4g} "
                f"{before.crps[channel][lead]:10.4g} {after.spread_skill[channel][lead]:13.3f} "
                f"{before.spread_skill[channel][lead]:7.3f}"
            )
    return "\n".join(lines)
