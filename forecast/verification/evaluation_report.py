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
from data_catalog.storage.atomic_files import atomic_path
from forecast.verification.evaluation import EvaluationSums

MODEL = "plumecast"


def write_evaluation(evaluation: Mapping[str, Any], out: Path) -> Path:
    """Write an evaluation as JSON, whole or not at all."""
    with atomic_path(out) as partial:
        partial.write_text(json.dumps(evaluation, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return out


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
    """The evaluation JSON over several cycles.

    Raises:
        ConfigurationError: They are of different systems or sizes.
    """
    for name, values in (
        ("members", {part.members for part in scored}),
        ("model", {part.model_id for part in scored}),
        ("step and sampler (system_hash)", {part.system_hash for part in scored}),
        ("forecasters", {tuple(part.sums) for part in scored}),
    ):
        if len(values) > 1:
            raise ConfigurationError(f"verification: expected forecasts with the same {name}, found {sorted(values)}")
    first = scored[0]
    period = (min(part.init_time for part in scored), max(part.last_time for part in scored))
    sums = {name: pooled_sums([part.sums[name] for part in scored]) for name in first.sums}
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
    sums: dict[str, EvaluationSums],
) -> dict[str, Any]:
    """The evaluation JSON."""
    return {
        "system": system_name,
        "model_id": model_id,
        "period": [str(np.datetime_as_string(time, unit="D")) for time in period],
        "initialisations": initialisations,
        "members": members,
        "scores": {name: part.scores() for name, part in sums.items()},
    }
