"""Calibrates a trained model on validation days, and writes the card."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data_catalog.errors import ConfigurationError
from data_catalog.sources.locations import Location
from forecast.calibration.card import CalibrationCard, CalibrationRecord, CalibrationScores, save_card, significant
from forecast.calibration.correction import Calibration
from forecast.calibration.fitting import Candidate, calibration_of, fit_calibration, most_rollouts
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.system.periods import Period
from forecast.system.system import System
from forecast.verification.paired_scores import PairedScores
from pipelines.terminal.progress import progress
from pipelines.terminal.times import parse_time
from pipelines.tuning.validation import (
    Validation,
    refuse_test_days,
    warn_of_learned_days,
)
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.open_checkpoint import open_uncalibrated
from pipelines.workspace.starts import spaced_starts


@dataclass(frozen=True)
class CalibrationRequest:
    """A request to calibrate a model.

    Attributes:
        system: The system.
        analysis: Archive or file that the forecasts start from and are verified against.
        checkpoint: Directory of the model, where the card is written.
        period: Days to fit to.
        starts: Number of forecasts, spread evenly over the period.
        members: Size of each ensemble.
        lead_steps: Length of each forecast, in steps of the system.
        device: Device to compute on.
    """

    system: System
    analysis: Location
    checkpoint: Path
    period: Period
    starts: int
    members: int
    lead_steps: int
    device: str = "cpu"


def calibration_period(system: System, start: str | None, end: str | None) -> Period:
    """Return the days to calibrate on, by default those of the validation period.

    Args:
        system: The system.
        start: First day or a time in it, ISO 8601; None for that of the validation period.
        end: Last day or a time in it, ISO 8601; None for that of the validation period.

    Raises:
        ConfigurationError: A text is not a time, or the end is before the start.
    """
    validation = system.periods.validation
    first = validation.start if start is None else parse_time(start, "--start").astype("datetime64[D]").item()
    last = validation.end if end is None else parse_time(end, "--end").astype("datetime64[D]").item()
    if last < first:
        raise ConfigurationError(f"--end: expected a day not before --start {first}, found {last}")
    return Period(start=first, end=last)


def calibrate(request: CalibrationRequest) -> CalibrationCard:
    """Fit a calibration card and write it beside the checkpoint, replacing an earlier one.

    Args:
        request: System, model, days and size of the forecasts.

    Returns:
        The card.

    Raises:
        ConfigurationError: The period holds test days, or the checkpoint belongs to another system.
        MissingDataError: No start has all the analyses that it needs.
    """
    checkpoint = open_uncalibrated(request.checkpoint, request.system)
    refuse_test_days(request.period, request.system, checkpoint.system)
    _check_members(request, len(checkpoint.models))
    validation = _validation(request)
    raw, best = _fit(request, checkpoint, validation)
    card = CalibrationCard(
        model_id=checkpoint.model_id,
        calibration=calibration_of(request.system.sampler, request.system.state.predictands, best.sampler, best.law),
        record=_record(request, len(validation.starts), warn_of_learned_days(checkpoint, request.period), raw, best),
    )
    save_card(request.checkpoint, card)
    return card


def _check_members(request: CalibrationRequest, networks: int) -> None:
    if request.members < networks:
        raise ConfigurationError(
            f"--members: expected at least one for each of the {networks} networks of {request.checkpoint}, "
            f"found {request.members}"
        )
    if request.members < 2:
        raise ConfigurationError(f"--members: expected at least 2, found {request.members}")


def _validation(request: CalibrationRequest) -> Validation:
    analysis = open_system_analysis(request.analysis, request.system)
    starts = spaced_starts(
        request.system, analysis["time"].values, request.period, count=request.starts, lead_steps=request.lead_steps
    )
    return Validation(request.system, analysis, tuple(starts), request.members, request.lead_steps, request.device)


def _fit(
    request: CalibrationRequest, checkpoint: Checkpoint, validation: Validation
) -> tuple[Candidate[PairedScores], Candidate[PairedScores]]:
    """Return the uncalibrated model and the best calibration found, scored with the same noise."""
    sampler, state = request.system.sampler, request.system.state
    lead_hours = np.arange(1.0, request.lead_steps + 1) * state.step_hours
    forecasts = most_rollouts(sampler) * len(validation.starts)
    with progress(f"Calibrate {request.system.name}", forecasts, "forecasts") as advance:
        counted = itertools.count(1)

        def score(calibration: Calibration) -> PairedScores:
            return validation.score(replace(checkpoint, calibration=calibration), lambda: advance(next(counted)))

        return fit_calibration(sampler, state.predictands, lead_hours, score)


def _record(
    request: CalibrationRequest,
    starts: int,
    learned: bool,
    raw: Candidate[PairedScores],
    best: Candidate[PairedScores],
) -> CalibrationRecord:
    return CalibrationRecord(
        period=(str(request.period.start), str(request.period.end)),
        starts=starts,
        members=request.members,
        seen_in_training=learned,
        relative_crps=significant(best.relative_crps),
        before=CalibrationScores.of(raw.scores.scores),
        after=CalibrationScores.of(best.scores.scores),
    )


def describe_card(card: CalibrationCard) -> str:
    """Describe a card: noise, churn, and scores before and after at three lead times of each channel."""
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
