"""Many cycles, scored as they are made, with every baseline beside the model."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.fields import MemberFields
from forecast.products.manifest import file_hash
from forecast.system import System
from forecast.verification.baselines import Baselines, load_baselines
from forecast.verification.evaluation import EvaluationSums
from pipelines.analyses import open_system_analysis, scalar
from pipelines.clock import day, iso
from pipelines.cycling import startable
from pipelines.evaluation_journal import Journal
from pipelines.progress import progress
from pipelines.score_tables import MODEL, write_evaluation
from pipelines.systems import BASELINES_FILE, check_same_state

if TYPE_CHECKING:
    from forecast.checkpoints import Checkpoint

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class Evaluation:
    """What to evaluate.

    Attributes:
        system: Which system.
        analysis: Archive or file to start from and to judge by.
        checkpoint: Directory of the model and its baselines.
        start: First init time allowed.
        end: Last valid time allowed.
        every_hours: Between init times.
        members: Size of the ensemble.
        lead_steps: Steps of the system.
        device: Where to compute.
    """

    system: System
    analysis: Path
    checkpoint: Path
    start: np.datetime64
    end: np.datetime64
    every_hours: int
    members: int
    lead_steps: int
    device: str = "cpu"


def evaluate_to(wanted: Evaluation, out: Path) -> dict[str, Any]:
    """Evaluate and write the JSON.

    Returns:
        What was written.
    """
    if out.is_dir() or not out.parent.is_dir():
        raise ConfigurationError(f"--out {out}: expected a file in an existing directory, found none such")
    journal = out.with_name(f".{out.name}.cycles")
    evaluation = evaluate(wanted, journal)
    write_evaluation(evaluation, out)
    journal.unlink(missing_ok=True)
    return evaluation


def evaluate(wanted: Evaluation, journal: Path) -> dict[str, Any]:
    """Forecast and score cycle after cycle; nothing but sums is kept of each.

    Args:
        wanted: What to evaluate.
        journal: File that keeps the sums of finished cycles, so that a killed evaluation goes on.

    Returns:
        The evaluation JSON of the design's contract 6.

    Raises:
        MissingDataError: No init time has all the analyses that it needs.
        ConfigurationError: The checkpoint is of another system, or has no baselines.
    """
    from forecast.checkpoints import load_checkpoint

    system = wanted.system
    checkpoint = load_checkpoint(wanted.checkpoint)
    check_same_state(system, checkpoint.system, wanted.checkpoint)
    baselines = find_baselines(wanted.checkpoint)
    analysis = open_system_analysis(wanted.analysis, system)
    starts = init_times(wanted, analysis["time"].values)
    names = (MODEL, *system.verification.baselines)
    sums = {name: EvaluationSums() for name in names}
    kept = Journal(journal, _identity(wanted, checkpoint.model_id, names))
    known = kept.read()
    with progress(f"Evaluate {system.name}", len(starts), "cycles") as advance:
        for index, init_time in enumerate(starts):
            scored = known.get(iso(init_time))
            if scored is None:
                forecast = _forecast(wanted, checkpoint, analysis, init_time)
                scored = score_cycle(names, forecast, analysis, baselines)
                kept.append(iso(init_time), scored)
            sums = {name: part.merge(scored[name]) for name, part in sums.items()}
            advance(index + 1, iso(init_time))
    end = min(wanted.end, analysis["time"].values.max())
    return evaluation_json(system.name, checkpoint.model_id, (wanted.start, end), len(starts), wanted.members, sums)


def init_times(wanted: Evaluation, times: NDArray[np.datetime64]) -> list[np.datetime64]:
    """Init times from start to end whose past states and verifying analyses all exist.

    Raises:
        MissingDataError: There is none.
    """
    hour = np.timedelta64(1, "h")
    step = wanted.system.state.step_hours * hour
    possible = startable(wanted.system, times)
    possible = possible[(possible >= wanted.start) & (possible + wanted.lead_steps * step <= wanted.end)]
    for lead_step in range(1, wanted.lead_steps + 1):
        possible = possible[np.isin(possible + lead_step * step, times)]
    if not possible.size:
        raise MissingDataError(
            f"evaluation of '{wanted.system.name}': expected analyses for {wanted.lead_steps} lead steps after a start "
            f"between {day(wanted.start)} and {day(wanted.end)}, found none among {times.size} analyses"
        )
    regular = np.arange(possible.min(), possible.max() + hour, wanted.every_hours * hour)
    chosen = regular[np.isin(regular, possible)]
    if chosen.size < regular.size:
        missing = ", ".join(iso(time) for time in regular[~np.isin(regular, possible)][:3])
        logger.warning(
            "%d of %d starts lack an analysis and are left out: %s ...",
            regular.size - chosen.size,
            regular.size,
            missing,
        )
    return list(chosen)


def score_cycle(
    names: Sequence[str], forecast: xr.Dataset, analysis: xr.Dataset, baselines: Baselines | None
) -> dict[str, EvaluationSums]:
    """Sums of one cycle for its forecast and for each baseline.

    Args:
        names: Forecasters; the first is whose forecast this is, the others are baselines.
        forecast: Dims member, lead_time, latitude, longitude; scalar init_time.
        analysis: Holds the valid times.
        baselines: None when no baseline is named.
    """
    init_time, leads = scalar(forecast["init_time"]), forecast["lead_time"].values
    verifying = verifying_analysis(analysis, forecast)
    own, *others = names
    sums = {name: EvaluationSums() for name in names}
    sums[own].add(forecast, verifying)
    for name in others:
        assert baselines is not None
        other = baselines.forecast(
            name, analysis, init_time, leads, members=forecast.sizes["member"], seed=_seed(init_time)
        )
        sums[name].add(other[list(verifying.data_vars)], verifying)
    return sums


def verifying_analysis(analysis: xr.Dataset, forecast: xr.Dataset) -> xr.Dataset:
    """The analyses that a forecast is judged by, on its lead times.

    Raises:
        MissingDataError: One of them does not exist (yet).
    """
    valid = forecast["init_time"].values + forecast["lead_time"].values
    absent = valid[~np.isin(valid, analysis["time"].values)]
    if absent.size:
        raise MissingDataError(
            f"verification of {iso(scalar(forecast['init_time']))}: expected an analysis at {iso(absent[0])}, "
            f"found none ({absent.size} of {valid.size} valid times lack one)"
        )
    chosen = analysis[[str(name) for name in forecast.data_vars]].sel(time=valid).load()
    return chosen.rename(time="lead_time").assign_coords(lead_time=forecast["lead_time"].values)


def evaluation_json(
    system_name: str,
    model_id: str,
    period: tuple[np.datetime64, np.datetime64],
    initialisations: int,
    members: int,
    sums: dict[str, EvaluationSums],
) -> dict[str, Any]:
    """The evaluation JSON of the design's contract 6."""
    return {
        "system": system_name,
        "model_id": model_id,
        "period": [day(period[0]), day(period[1])],
        "initialisations": initialisations,
        "members": members,
        "scores": {name: part.scores() for name, part in sums.items()},
    }


def find_baselines(checkpoint: Path) -> Baselines:
    """The baselines beside a checkpoint.

    Raises:
        ConfigurationError: There are none.
    """
    path = checkpoint / BASELINES_FILE
    if not path.exists():
        raise ConfigurationError(f"baselines of checkpoint {checkpoint}: expected {BASELINES_FILE}, found none")
    return load_baselines(path)


def _forecast(
    wanted: Evaluation, checkpoint: "Checkpoint", analysis: xr.Dataset, init_time: np.datetime64
) -> xr.Dataset:
    from forecast.ensemble import forecast_members

    system = wanted.system
    made = forecast_members(
        checkpoint,
        system,
        analysis,
        init_time,
        range(wanted.members),
        wanted.lead_steps,
        batch_size=system.forecast.batch_size,
        device=wanted.device,
    )
    return _gathered(wanted, analysis, init_time, made)


def _gathered(
    wanted: Evaluation, analysis: xr.Dataset, init_time: np.datetime64, made: Iterator[MemberFields]
) -> xr.Dataset:
    names = wanted.system.state.predictands
    latitude, longitude = analysis["latitude"].values, analysis["longitude"].values
    shape = (wanted.members, wanted.lead_steps, latitude.size, longitude.size)
    arrays = {name: np.full(shape, np.nan, dtype=np.float32) for name in names}
    for fields in made:
        for name in names:
            arrays[name][list(fields.members), fields.lead_index] = fields.fields[name]
    leads = np.arange(1, wanted.lead_steps + 1) * np.timedelta64(wanted.system.state.step_hours, "h")
    dims = ("member", "lead_time", "latitude", "longitude")
    return xr.Dataset(
        {name: (dims, values, analysis[name].attrs) for name, values in arrays.items()},
        coords={
            "member": np.arange(wanted.members),
            "lead_time": leads.astype("timedelta64[ns]"),
            "latitude": latitude,
            "longitude": longitude,
            "init_time": init_time,
        },
    )


def _seed(init_time: np.datetime64) -> int:
    return int(init_time.astype("datetime64[h]").astype(np.int64))


def _identity(wanted: Evaluation, model_id: str, names: Sequence[str]) -> dict[str, object]:
    return {
        "system_hash": wanted.system.identity_hash(),
        "model_id": model_id,
        "analysis": str(wanted.analysis.resolve()),
        "baselines": file_hash(wanted.checkpoint / BASELINES_FILE),
        "members": wanted.members,
        "lead_steps": wanted.lead_steps,
        "forecasters": list(names),
    }
