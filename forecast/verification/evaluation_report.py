"""The evaluation JSON: scores of every forecaster over many cycles, pooled from the sums of each cycle."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.times import day
from data_catalog.storage.atomic_files import write_durably
from data_catalog.storage.small_files import read_small
from data_catalog.storage.typed_files import faults_of_validation
from forecast.verification.evaluation import EvaluationSums

MODEL = "plumecast"
"""Name of our own model among the forecasters; every other is a baseline or somebody else's forecast."""
Score = FiniteFloat | list[FiniteFloat] | None
"""A number, the shares of a rank histogram, or None where the score is undefined."""
Scores = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Score]]]]
"""By forecaster, channel, name of the score, and lead time in hours as text, such as `"24"`."""


class EvaluationReport(BaseModel):
    """Scores over many cycles, as they stand in the evaluation JSON; keys that a later release adds are ignored.

    Attributes:
        system: Name of the system.
        model_id: Identity of the model's weights; empty for forecasts from elsewhere.
        period: First day and last day, ISO 8601: from the first start to the last valid time.
        initialisations: Number of cycles.
        members: Size of the ensemble.
        scores: The forecast that is verified first, then its baselines; see `Scores`. `crps` is the fair CRPS, `rmse`,
            `mae` and `bias` are of the ensemble mean, all in the channel's unit, area-weighted over the whole grid.
        scored_points: Share of the points of the grid that a channel was scored on, by channel, for those that the
            analysis lacks somewhere, such as sea surface temperature on land; left out of the file where empty.
        starts: Number of starts that each forecaster was scored on, by forecaster and lead time in hours; empty in
            files of the first release. A baseline that knows other hours of the day than the model has fewer.
        format: Version of this layout; files without one are of version 1.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    system: str
    model_id: str
    period: tuple[str, str]
    initialisations: int
    members: int
    scores: dict[str, dict[str, dict[str, dict[str, Score]]]]
    starts: dict[str, dict[str, int]] = {}
    scored_points: dict[str, float] = {}
    format: Literal[1] = 1

    def of_channels(self, channels: Collection[str]) -> "EvaluationReport":
        """The same evaluation with the scores of some channels only.

        Args:
            channels: Names of channels, such as `z500`; they appear in this order.

        Raises:
            KeyError: A forecaster has no scores of a channel.
        """
        scores = {name: {channel: part[channel] for channel in channels} for name, part in self.scores.items()}
        return EvaluationReport.model_validate({**self.model_dump(), "scores": scores})


@dataclass(frozen=True)
class ScoredCycle:
    """Sums of one cycle, ready to be pooled with those of others.

    Attributes:
        system_name: Name of the system that made the forecast.
        model_id: Identity of the model's weights; empty for a forecast from elsewhere.
        system_hash: Identity of everything else that decides the members (length of a step and sampler among it); empty
            for a forecast from elsewhere.
        members: Size of the ensemble.
        init_time: Start of the forecast.
        last_time: Last valid time.
        sums: From `cycle_sums`, by forecaster: the forecast that is verified first, then the baselines.
        scored_points: Share of points by channel, for channels that the analysis lacks somewhere.
    """

    system_name: str
    model_id: str
    system_hash: str
    members: int
    init_time: np.datetime64
    last_time: np.datetime64
    sums: dict[str, xr.DataArray]
    scored_points: dict[str, float] = field(default_factory=dict)


def pooled(scored: Sequence[ScoredCycle]) -> EvaluationReport:
    """Scores over several cycles of one system; a baseline may be missing from some of them.

    Args:
        scored: At least one cycle. Several of one start, of different channels, count as one cycle.

    Raises:
        ConfigurationError: The cycles are of different models, ensemble sizes, steps or samplers.
    """
    for name, values in (
        ("members", {part.members for part in scored}),
        ("model", {part.model_id for part in scored}),
        ("step and sampler (system_hash)", {part.system_hash for part in scored}),
    ):
        if len(values) > 1:
            raise ConfigurationError(f"verification: expected forecasts with the same {name}, found {sorted(values)}")
    first = scored[0]
    period = (min(part.init_time for part in scored), max(part.last_time for part in scored))
    widest_first = sorted(scored, key=lambda part: -len(part.sums))
    names = dict.fromkeys(name for part in widest_first for name in part.sums)
    sums = {name: _by_start(name, scored) for name in names}
    starts = len({part.init_time for part in scored})
    report = evaluation_report(first.system_name, first.model_id, period, starts, first.members, sums)
    return EvaluationReport.model_validate({**report.model_dump(), "scored_points": _scored_points(scored)})


def mean_shares(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean share of the points that each channel was scored on.

    Args:
        shares: Of each cycle, the shares of channels that the analysis lacks somewhere; others are whole.

    Returns:
        Channels that are not whole in some cycle.
    """
    channels = dict.fromkeys(channel for part in shares for channel in part)
    return {channel: float(np.mean([part.get(channel, 1.0) for part in shares])) for channel in channels}


def _scored_points(scored: Sequence[ScoredCycle]) -> dict[str, float]:
    """Mean share of the points that each channel was scored on, for those that the analysis lacks somewhere."""
    masked = dict.fromkeys(channel for part in scored for channel in part.scored_points)
    return {
        channel: float(np.mean([part.scored_points.get(channel, 1.0) for part in scored if _scores(part, channel)]))
        for channel in masked
    }


def _scores(part: ScoredCycle, channel: str) -> bool:
    return any(channel in sums["channel"].values for sums in part.sums.values())


def _by_start(name: str, scored: Sequence[ScoredCycle]) -> list[xr.DataArray]:
    """Sums of a forecaster, one a start."""
    starts: dict[np.datetime64, EvaluationSums] = {}
    for part in scored:
        if name in part.sums:
            known = starts.get(part.init_time, EvaluationSums())
            starts[part.init_time] = known.merge(EvaluationSums(part.sums[name], 1))
    return [start.sums for start in starts.values() if start.sums is not None]


def pooled_sums(parts: Sequence[xr.DataArray]) -> EvaluationSums:
    """Sums of several cycles, added in their order, over the whole grid.

    Args:
        parts: From `cycle_sums`, one a cycle; the first region of each is the whole grid.
    """
    return reduce(EvaluationSums.merge, (EvaluationSums(part.isel(region=[0]), 1) for part in parts))


def evaluation_report(
    system_name: str,
    model_id: str,
    period: tuple[np.datetime64, np.datetime64],
    initialisations: int,
    members: int,
    sums: Mapping[str, Sequence[xr.DataArray]],
) -> EvaluationReport:
    """Scores of every forecaster, each over the cycles that it was scored on.

    Args:
        system_name: Name of the system.
        model_id: Identity of the model's weights; empty for forecasts from elsewhere.
        period: First and last time of the evaluation.
        initialisations: Number of cycles.
        members: Size of the ensemble.
        sums: From `cycle_sums`, one a cycle, by forecaster: the forecast that is verified first.
    """
    first, last = map(day, period)
    return EvaluationReport(
        system=system_name,
        model_id=model_id,
        period=(first, last),
        initialisations=initialisations,
        members=members,
        scores={name: pooled_sums(parts).scores() for name, parts in sums.items()},
        starts={name: starts_by_lead(parts) for name, parts in sums.items()},
    )


def starts_by_lead(parts: Sequence[xr.DataArray]) -> dict[str, int]:
    """Number of starts that a forecaster was scored on, by lead time in hours.

    Args:
        parts: From `cycle_sums`, one a start.
    """
    leads, counts = np.unique(np.concatenate([part["lead_time"].values for part in parts]), return_counts=True)
    hours = leads / np.timedelta64(1, "h")
    return {f"{lead:g}": count for lead, count in zip(hours.tolist(), counts.tolist(), strict=True)}


def write_evaluation(report: EvaluationReport, out: Path) -> Path:
    """Write an evaluation as JSON, whole or not at all.

    Args:
        report: What to write.
        out: File to write or replace.

    Returns:
        `out`.
    """
    return write_durably(out, evaluation_json(report) + "\n")


def evaluation_json(report: EvaluationReport) -> str:
    """Return an evaluation as JSON."""
    content = report.model_dump(exclude=None if report.scored_points else {"scored_points"})
    return json.dumps(content, indent=2, allow_nan=False)


def read_evaluation(path: Path) -> EvaluationReport:
    """Read an evaluation JSON of this or an earlier release.

    Args:
        path: File that `write_evaluation` wrote.

    Raises:
        InvalidDataError: The file cannot be read, is no evaluation, or is of a later format.
    """
    try:
        return EvaluationReport.model_validate_json(read_small(path))
    except OSError as error:
        raise InvalidDataError(f"{path}: expected an evaluation, found {error.strerror}") from None
    except ValidationError as error:
        fault = faults_of_validation(error, whole="file")[0]
        raise InvalidDataError(f"{path}: expected an evaluation; {fault}") from None
