"""The evaluation JSON: scores of every forecaster over many cycles, and the sums that they are pooled from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError
from data_catalog.storage.atomic_files import write_durably
from forecast.verification.evaluation import EvaluationSums

MODEL = "plumecast"


def write_evaluation(evaluation: Mapping[str, Any], out: Path) -> Path:
    """Write an evaluation as JSON, whole or not at all."""
    return write_durably(out, json.dumps(evaluation, indent=2, allow_nan=False) + "\n")


@dataclass(frozen=True)
class ScoredCycle:
    """Sums of one cycle, ready to be merged with those of others.

    Attributes:
        system_name: Whose forecast it is.
        model_id: Of the model, or empty when it is not ours.
        system_hash: Of what else decides its members, length of a step and sampler among it, or empty.
        members: Size of the ensemble.
        init_time: Start of the forecast.
        last_time: Last valid time.
        sums: By forecaster: the forecast first, then the baselines.
    """

    system_name: str
    model_id: str
    system_hash: str
    members: int
    init_time: np.datetime64
    last_time: np.datetime64
    sums: dict[str, xr.DataArray]


def pooled(scored: Sequence[ScoredCycle]) -> dict[str, Any]:
    """The evaluation JSON over several cycles; a baseline may be missing from some of them.

    Raises:
        ConfigurationError: They are of different systems or sizes.
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
    sums = {name: [part.sums[name] for part in scored if name in part.sums] for name in names}
    return evaluation_json(first.system_name, first.model_id, period, len(scored), first.members, sums)


def pooled_sums(parts: Sequence[xr.DataArray]) -> EvaluationSums:
    """Sums of several cycles over the whole grid."""
    return reduce(EvaluationSums.merge, (EvaluationSums(part.isel(region=[0]), 1) for part in parts))


def evaluation_json(
    system_name: str,
    model_id: str,
    period: tuple[np.datetime64, np.datetime64],
    initialisations: int,
    members: int,
    sums: Mapping[str, Sequence[xr.DataArray]],
) -> dict[str, Any]:
    """The evaluation JSON.

    Args:
        system_name: Name of the system.
        model_id: Identity of the weights, or empty.
        period: First start and last valid time.
        initialisations: Number of starts.
        members: Size of the ensemble.
        sums: By forecaster, from `cycle_sums`: one for each start that the forecaster was scored on.

    Returns:
        `scores` by forecaster, channel, score and lead hours; `starts`, the number of starts that each forecaster was
        scored on, by lead hours; and the arguments.
    """
    return {
        "system": system_name,
        "model_id": model_id,
        "period": [str(np.datetime_as_string(time, unit="D")) for time in period],
        "initialisations": initialisations,
        "members": members,
        "scores": {name: pooled_sums(parts).scores() for name, parts in sums.items()},
        "starts": {name: starts_by_lead(parts) for name, parts in sums.items()},
    }


def starts_by_lead(parts: Sequence[xr.DataArray]) -> dict[str, int]:
    """Number of starts that a forecaster was scored on, by lead hours.

    Args:
        parts: From `cycle_sums`, one a start.
    """
    leads, counts = np.unique(np.concatenate([part["lead_time"].values for part in parts]), return_counts=True)
    hours = leads / np.timedelta64(1, "h")
    return {f"{lead:g}": count for lead, count in zip(hours.tolist(), counts.tolist(), strict=True)}
