"""One cycle: from an analysis and a checkpoint to a published run."""

import hashlib
import json
import logging
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from data_catalog.catalog import dataset
from data_catalog.conventions import channel
from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.manifest import is_complete, read_manifest, write_manifest
from forecast.products.netcdf import ForecastWriter, copy_members
from forecast.products.runs import RunDirectory
from forecast.system import System
from pipelines import staging
from pipelines.analyses import initial_state_hash, open_system_analysis
from pipelines.clock import iso, now
from pipelines.drawing import Surroundings, draw_run
from pipelines.locking import held
from pipelines.progress import Advance, progress
from pipelines.publishing import write_run_products
from pipelines.systems import BASELINES_FILE, open_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forecast.checkpoints import Checkpoint
    from forecast.distributed import Ranks
    from forecast.fields import MemberFields

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class Cycle:
    """What decides one run, by path and number: small enough to hand from task to task.

    Attributes:
        system: Which system.
        init_time: Start of the forecast.
        analysis: Archive or file that holds the past states.
        checkpoint: Directory of the model.
        runs: Root of the run directories.
        members: Member numbers, counted from 0.
        lead_steps: Steps of the system.
        device: Where to compute.
    """

    system: System
    init_time: np.datetime64
    analysis: Path
    checkpoint: Path
    runs: Path
    members: tuple[int, ...]
    lead_steps: int
    device: str = "cpu"

    @property
    def run(self) -> RunDirectory:
        """Where the run will be."""
        return RunDirectory(self.runs, self.system.name, self.init_time)

    @property
    def lead_hours(self) -> list[int]:
        """Every lead of the run."""
        return [self.system.state.step_hours * step for step in range(1, self.lead_steps + 1)]


@dataclass(frozen=True)
class Inputs:
    """What a cycle is made from, opened and checked.

    Attributes:
        checkpoint: The model.
        analysis: The channels of the system, lazily.
        identity: Hashes that must agree for two runs to hold the same members.
    """

    checkpoint: "Checkpoint"
    analysis: xr.Dataset
    identity: dict[str, str]

    @cached_property
    def digest(self) -> str:
        """One short name for the identity."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:16]


def forecast_cycle(cycle: Cycle) -> Path:
    """Make one run; do nothing if it is there, compute only the members that are missing if some are.

    A forecast that was killed goes on after the last lead step that it finished. Processes that torchrun or
    `--processes` started share the members; the first of them writes.

    Returns:
        The run's directory.

    Raises:
        MissingDataError: The analysis does not reach `init_time` yet.
        InvalidDataError: The analysis must not be believed.
        ConfigurationError: The checkpoint is of another system.
    """
    from forecast.distributed import joined

    inputs = open_inputs(cycle)
    with joined(cycle.device) as ranks:
        if not ranks.is_first:
            for _ in _computed(cycle, inputs, ranks.from_first(()), ranks):
                raise AssertionError("only the first process is handed members")
            return cycle.run.path
        with held(staging.lock_path(cycle.run), f"run {cycle.run.path}"):
            if is_made(cycle, inputs):
                ranks.from_first(())
                logger.info("%s holds what is asked for already", cycle.run.path)
                return cycle.run.path
            make_members(cycle, inputs, ranks)
            make_products(cycle)
            make_page(cycle)
            return publish(cycle, inputs)


def open_inputs(cycle: Cycle) -> Inputs:
    """Open the checkpoint and the analysis of a cycle, and check that they belong together."""
    from forecast.batches import select_past

    state = cycle.system.state
    checkpoint = open_checkpoint(cycle.checkpoint, cycle.system)
    analysis = open_system_analysis(cycle.analysis, cycle.system)
    past = select_past(analysis, cycle.init_time, state.past_states, state.step_hours)
    identity = {
        "system_hash": cycle.system.identity_hash(),
        "model_id": checkpoint.model_id,
        "data_hash": initial_state_hash(past, state.predictands),
    }
    return Inputs(checkpoint, analysis, identity)


def is_made(cycle: Cycle, inputs: Inputs) -> bool:
    """Whether the published run holds every member and lead that is asked for, made from the same things."""
    stored = _stored(cycle, inputs)
    if stored is None:
        return False
    return set(cycle.members) <= set(stored["members"]) and set(cycle.lead_hours) <= set(stored["lead_hours"])


def make_members(cycle: Cycle, inputs: Inputs, ranks: "Ranks | None" = None) -> Path:
    """Write the NetCDF of all members into the staged run: stored members are copied, the others computed.

    Args:
        cycle: Which run.
        inputs: What it is made from.
        ranks: Processes that share the work, this one the first of them; None for this one alone.

    Returns:
        The file.
    """
    from forecast.distributed import Ranks
    from forecast.prefetching import prefetched

    ranks = ranks or Ranks(device=cycle.device)
    stage = staging.begin(cycle.run)
    system, grid = cycle.system, inputs.checkpoint.grid
    stored = _members_to_keep(cycle, inputs)
    missing = ranks.from_first(tuple(member for member in cycle.members if member not in stored))
    writer = ForecastWriter(
        stage.forecast,
        channels=system.state.predictands,
        latitude=grid.latitude,
        longitude=grid.longitude,
        init_time=cycle.init_time,
        lead_times=np.array(cycle.lead_hours, dtype="timedelta64[h]").astype("timedelta64[ns]"),
        members=cycle.members,
        attributes=_attributes(cycle, inputs),
        step_hours=system.state.step_hours,
    )
    title = f"Forecast {system.name} {iso(cycle.init_time)}"
    with writer, progress(title, len(cycle.members) * cycle.lead_steps, "fields") as advance:
        done = _copy_stored(cycle, writer, stored, advance)
        # The next fields are computed while these are written.
        for made in prefetched(_computed(cycle, inputs, missing, ranks), depth=2):
            writer.write(made.members, made.lead_index, made.fields)
            done += len(made.members)
            advance(done, f"{len(made.members)} members, lead {made.lead_index + 1}")
    return stage.forecast


def _computed(cycle: Cycle, inputs: Inputs, members: tuple[int, ...], ranks: "Ranks") -> "Iterator[MemberFields]":
    from forecast.ensemble import forecast_members

    batch_size = cycle.system.forecast.batch_size
    return forecast_members(
        inputs.checkpoint,
        cycle.system,
        inputs.analysis,
        cycle.init_time,
        members,
        cycle.lead_steps,
        batch_size=batch_size,
        device=ranks.device,
        state_directory=staging.states(cycle.run, f"{inputs.digest}-{batch_size}"),
        ranks=ranks,
    )


def make_products(cycle: Cycle) -> Path:
    """Write mean, spread, quantiles and probabilities of the staged run."""
    return write_run_products(staging.staged(cycle.run), cycle.system)


def make_page(cycle: Cycle) -> list[Path]:
    """Draw the staged run and write its page.

    Returns:
        The pictures.
    """
    around = Surroundings(cycle.analysis, cycle.checkpoint / BASELINES_FILE)
    return draw_run(staging.staged(cycle.run), cycle.system, around)


def publish(cycle: Cycle, inputs: Inputs) -> Path:
    """Write the manifest of the staged run and move it into place.

    Returns:
        The run's directory.

    Raises:
        InvalidDataError: The members were made from another model, system or analysis than is there now.
    """
    stage = staging.staged(cycle.run)
    if differing := _differing(stage.forecast, inputs):
        raise InvalidDataError(
            f"run {cycle.run.path}: expected the {' and '.join(differing)} that its members were made from, found "
            "another since; make the run again"
        )
    delivered = delivered_by(stage.forecast)
    write_manifest(
        stage.path,
        system_name=cycle.system.name,
        init_time=cycle.init_time,
        seeds=dict(zip(map(str, cycle.members), _seeds(cycle, inputs), strict=True)),
        expected={"members": list(cycle.members), "lead_hours": cycle.lead_hours},
        delivered=delivered,
        **inputs.identity,
    )
    return staging.publish(cycle.run)


def _differing(forecast: Path, inputs: Inputs) -> list[str]:
    """What a forecast file says it was made from, and is something else now."""
    from forecast.products.netcdf import open_forecast

    with open_forecast(forecast) as stored:
        return [name for name, value in inputs.identity.items() if stored.attrs[f"plumecast_{name}"] != value]


def delivered_by(forecast: Path) -> dict[str, list[int]]:
    """Members and lead hours that a forecast file holds."""
    from forecast.products.netcdf import open_forecast

    with open_forecast(forecast) as stored:
        hours = stored["lead_time"].values / np.timedelta64(1, "h")
        return {"members": stored["member"].values.tolist(), "lead_hours": [round(hour) for hour in hours.tolist()]}


def check_single_member(cycle: Cycle) -> None:
    """Refuse to put a single member in the place of an ensemble.

    Raises:
        ConfigurationError: The run exists and holds more.
    """
    if is_complete(cycle.run.path):
        stored = read_manifest(cycle.run.path)["delivered"]["members"]
        if stored != list(cycle.members):
            raise ConfigurationError(
                f"run {cycle.run.path}: expected no run there, found one of {len(stored)} members; "
                "name another directory with --out"
            )


def _stored(cycle: Cycle, inputs: Inputs) -> dict[str, list[int]] | None:
    """Members and leads of the published run, if it was made from the same things."""
    if not is_complete(cycle.run.path):
        return None
    manifest = read_manifest(cycle.run.path)
    differing = [name for name, value in inputs.identity.items() if manifest[name] != value]
    if differing:
        logger.info("%s was made from another %s and is made anew", cycle.run.path, " and ".join(differing))
        return None
    delivered: dict[str, list[int]] = manifest["delivered"]
    return delivered


def _members_to_keep(cycle: Cycle, inputs: Inputs) -> tuple[int, ...]:
    stored = _stored(cycle, inputs)
    if stored is None or stored["lead_hours"] != cycle.lead_hours:
        return ()
    return tuple(member for member in cycle.members if member in set(stored["members"]))


def _copy_stored(cycle: Cycle, writer: ForecastWriter, stored: tuple[int, ...], advance: Advance) -> int:
    if stored:
        copy_members(cycle.run.forecast, writer, stored)
        logger.info("Kept %d members of the earlier run", len(stored))
    done = len(stored) * cycle.lead_steps
    advance(done)
    return done


def _seeds(cycle: Cycle, inputs: Inputs) -> tuple[str, ...]:
    from forecast.ensemble import member_seeds

    identity = inputs.identity
    return member_seeds(identity["model_id"], identity["system_hash"], cycle.init_time, cycle.members)


def _attributes(cycle: Cycle, inputs: Inputs) -> dict[str, str]:
    from forecast.calibration_cards import CARD_VERSION

    system, entry = cycle.system, dataset(cycle.system.dataset)
    release = version("plumecast")
    kind = "Simulated weather, not the real atmosphere. " if entry.simulated else ""
    sampler = f"{system.sampler.kind} sampler, {system.sampler.sampling_steps} sampling steps"
    card = inputs.checkpoint.card_sha256
    calibration = {} if card is None else {"plumecast_calibration": f"version {CARD_VERSION}, sha256 {card}"}
    return (
        {
            "title": f"{system.title}: ensemble forecast from {iso(cycle.init_time)}",
            "institution": "Made with Plumecast",
            "source": f"{kind}Plumecast {release}, diffusion model {inputs.identity['model_id'][:12]}, {sampler}",
            "history": f"{iso(now())} plumecast {release} forecast {system.name}",
            "references": "https://arxiv.org/abs/2206.00364",
            "comment": f"Started from {entry.title}.{_censoring(system)}",
            "plumecast_system": system.name,
            "plumecast_configuration": system.model_dump_json(),
            "plumecast_member_seeds": " ".join(_seeds(cycle, inputs)),
        }
        | {f"plumecast_{name}": value for name, value in inputs.identity.items()}
        | calibration
    )


def _censoring(system: System) -> str:
    """What the file says about channels that have a physical minimum."""
    bounded = [name for name in system.state.predictands if channel(name).variable.minimum is not None]
    return f" Values of {', '.join(bounded)} below the physical minimum are set to it." if bounded else ""
