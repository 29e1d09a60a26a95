"""A trained model's noise level, churn and spread, fitted on validation days and kept as a card beside it.

Noise level and churn are those of least fair CRPS. The spread corrections, which leave the ensemble mean nearly as it
is and move the CRPS little, bring the spread to the error of the mean as far as the CRPS gets no worse.
"""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data_catalog.errors import ConfigurationError
from forecast.calibration.card import CalibrationCard, CalibrationRecord, CalibrationScores, save_card, significant
from forecast.calibration.correction import Calibration
from forecast.calibration.fitting import Candidate, calibration_of, fit_calibration, most_rollouts
from forecast.checkpoints.files import load_checkpoint
from forecast.system.periods import Period
from forecast.system.system import System
from pipelines.terminal.progress import progress
from pipelines.terminal.times import parse_time
from pipelines.tuning.validation import (
    Validation,
    ValidationScores,
    refuse_test_days,
    spaced_starts,
    warn_of_learned_days,
)
from pipelines.workspace.analyses import find_analysis, open_system_analysis
from pipelines.workspace.checkpoints import find_checkpoint, shipped_checkpoint
from pipelines.workspace.devices import choose_device
from pipelines.workspace.home import Home
from pipelines.workspace.open_checkpoint import check_same_state, warn_of_unfinished
from pipelines.workspace.systems import find_system, requested_lead_steps


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


def calibrate(wanted: CalibrationRequest) -> CalibrationCard:
    """Fit a card and write it beside the checkpoint, in place of an earlier one.

    Raises:
        ConfigurationError: The period holds test days, or the checkpoint is of another system.
        MissingDataError: No start has all the analyses that it needs.
    """
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
    sampler, state = wanted.system.sampler, wanted.system.state
    lead_hours = np.arange(1.0, wanted.lead_steps + 1) * state.step_hours
    forecasts = most_rollouts(sampler) * len(validation.starts)
    with progress(f"Calibrate {wanted.system.name}", forecasts, "forecasts") as advance:
        counted = itertools.count(1)

        def score(calibration: Calibration) -> ValidationScores:
            return validation.score(replace(checkpoint, calibration=calibration), lambda: advance(next(counted)))

        raw, best = fit_calibration(sampler, state.predictands, lead_hours, score)
    learned = warn_of_learned_days(checkpoint, wanted.period)
    card = CalibrationCard(
        model_id=checkpoint.model_id,
        calibration=calibration_of(sampler, state.predictands, best.sampler, best.law),
        record=_record(wanted, len(validation.starts), learned, raw, best),
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


def _record(
    wanted: CalibrationRequest,
    starts: int,
    learned: bool,
    raw: Candidate[ValidationScores],
    best: Candidate[ValidationScores],
) -> CalibrationRecord:
    return CalibrationRecord(
        period=(str(wanted.period.start), str(wanted.period.end)),
        starts=starts,
        members=wanted.members,
        seen_in_training=learned,
        relative_crps=significant(best.relative_crps),
        before=CalibrationScores.of(raw.scores.scores),
        after=CalibrationScores.of(best.scores.scores),
    )


def describe_card(card: CalibrationCard) -> str:
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


def request_calibration(
    home: Home,
    system_name: str,
    *,
    checkpoint: Path | None = None,
    analysis: Path | None = None,
    start: str | None = None,
    end: str | None = None,
    starts: int,
    members: int,
    lead: str | None = None,
    device: str = "auto",
) -> CalibrationRequest:
    """Describe a calibration; by default over the validation period.

    Raises:
        ConfigurationError: A word is wrong, or the checkpoint is the shipped one, which all users share.
        MissingDataError: There is no archive yet.
    """
    system = find_system(system_name)
    found = find_checkpoint(home, system, checkpoint)
    if found.resolve() == shipped_checkpoint(system.name).resolve():
        raise ConfigurationError(
            f"checkpoint of '{system.name}': expected one in {home.checkpoint(system.name)} to put a card beside, "
            f"found only the shipped one; copy it there from {found}, train one, or name one with --checkpoint"
        )
    return CalibrationRequest(
        system=system,
        analysis=find_analysis(home, system, analysis),
        checkpoint=found,
        period=_validation_days(system, start, end),
        starts=starts,
        members=members,
        lead_steps=requested_lead_steps(system, lead),
        device=choose_device(device),
    )


def _validation_days(system: System, start: str | None, end: str | None) -> Period:
    """Whole days from start to end, by default those of the validation period."""
    validation = system.periods.validation
    first = validation.start if start is None else parse_time(start, "--start").astype("datetime64[D]").item()
    last = validation.end if end is None else parse_time(end, "--end").astype("datetime64[D]").item()
    if last < first:
        raise ConfigurationError(f"--end: expected a day not before --start {first}, found {last}")
    return Period(start=first, end=last)
