"""One cycle: from an analysis and a checkpoint to a published run."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from data_catalog.storage.locks import lock
from forecast.products.files.cf import ForecastAxes
from forecast.products.files.derived import write_products
from forecast.products.files.manifest import Contents, is_complete, read_manifest, write_manifest
from forecast.products.files.netcdf import ForecastWriter, copy_members
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.runs import staging
from pipelines.runs.attributes import cycle_seeds, forecast_attributes
from pipelines.runs.cycle import Cycle, Inputs, open_inputs
from pipelines.runs.page import Surroundings, draw_run
from pipelines.terminal.progress import Advance, progress
from pipelines.workspace.checkpoints import BASELINES_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forecast.members.ensemble import MemberFields
    from forecast.parallel.ranks import Ranks

logger = logging.getLogger("plumecast")


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
    from forecast.parallel.ranks import process_group

    inputs = open_inputs(cycle)
    with process_group(cycle.device) as ranks:
        if not ranks.is_first:
            for _ in _computed(cycle, inputs, ranks.broadcast(()), ranks):
                raise AssertionError("only the first process is handed members")
            return cycle.run.path
        with lock(staging.lock_path(cycle.run), f"run {cycle.run.path}"):
            if is_made(cycle, inputs):
                ranks.broadcast(())
                logger.info("%s holds what is asked for already", cycle.run.path)
                return cycle.run.path
            make_members(cycle, inputs, ranks)
            make_products(cycle)
            make_page(cycle)
            return publish(cycle, inputs)


def is_made(cycle: Cycle, inputs: Inputs) -> bool:
    """Whether the published run holds every member and lead that is asked for, made from the same things."""
    stored = _stored(cycle, inputs)
    if stored is None:
        return False
    return set(cycle.members) <= set(stored.members) and set(cycle.lead_hours) <= set(stored.lead_hours)


def make_members(cycle: Cycle, inputs: Inputs, ranks: "Ranks | None" = None) -> Path:
    """Write the NetCDF of all members into the staged run: stored members are copied, the others computed.

    Args:
        cycle: Which run.
        inputs: What it is made from.
        ranks: Processes that share the work, this one the first of them; None for this one alone.

    Returns:
        The file.
    """
    from forecast.parallel.prefetching import prefetched
    from forecast.parallel.ranks import Ranks

    ranks = ranks or Ranks(device=cycle.device)
    stage = staging.begin(cycle.run)
    system, grid = cycle.system, inputs.checkpoint.grid
    stored = _members_to_keep(cycle, inputs)
    missing = ranks.broadcast(tuple(member for member in cycle.members if member not in stored))
    lead_times = np.array(cycle.lead_hours, dtype="timedelta64[h]").astype("timedelta64[ns]")
    writer = ForecastWriter(
        stage.forecast,
        channels=system.state.predictands,
        axes=ForecastAxes(grid.latitude, grid.longitude, cycle.init_time, lead_times),
        members=cycle.members,
        attributes=forecast_attributes(cycle, inputs),
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
    from forecast.members.ensemble import forecast_members

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
    write_manifest(
        stage,
        seeds=dict(zip(map(str, cycle.members), cycle_seeds(cycle, inputs), strict=True)),
        expected=Contents(members=cycle.members, lead_hours=tuple(cycle.lead_hours)),
        delivered=delivered_by(stage.forecast),
        **inputs.identity,
    )
    return staging.publish(cycle.run)


def _differing(forecast: Path, inputs: Inputs) -> list[str]:
    """What a forecast file says it was made from, and is something else now."""
    from forecast.products.files.forecast_reading import open_forecast

    with open_forecast(forecast) as stored:
        return [name for name, value in inputs.identity.items() if stored.attrs[f"plumecast_{name}"] != value]


def delivered_by(forecast: Path) -> Contents:
    """Members and lead hours that a forecast file holds."""
    from forecast.products.files.forecast_reading import open_forecast

    with open_forecast(forecast) as stored:
        hours = stored["lead_time"].values / np.timedelta64(1, "h")
        return Contents(
            members=tuple(stored["member"].values.tolist()), lead_hours=tuple(round(hour) for hour in hours.tolist())
        )


def _stored(cycle: Cycle, inputs: Inputs) -> Contents | None:
    """Members and leads of the published run, if it was made from the same things."""
    if not is_complete(cycle.run.path):
        return None
    manifest = read_manifest(cycle.run.path)
    differing = [name for name, value in inputs.identity.items() if getattr(manifest, name) != value]
    if differing:
        logger.info("%s was made from another %s and is made anew", cycle.run.path, " and ".join(differing))
        return None
    return manifest.delivered


def _members_to_keep(cycle: Cycle, inputs: Inputs) -> tuple[int, ...]:
    stored = _stored(cycle, inputs)
    if stored is None or stored.lead_hours != tuple(cycle.lead_hours):
        return ()
    return tuple(member for member in cycle.members if member in set(stored.members))


def _copy_stored(cycle: Cycle, writer: ForecastWriter, stored: tuple[int, ...], advance: Advance) -> int:
    if stored:
        copy_members(cycle.run.forecast, writer, stored)
        logger.info("Kept %d members of the earlier run", len(stored))
    done = len(stored) * cycle.lead_steps
    advance(done)
    return done


def write_run_products(run: RunDirectory, system: System) -> Path:
    """Write mean, spread, quantiles and probabilities of a run."""
    products = system.products
    return write_products(
        run.forecast,
        run.products,
        quantiles=products.quantiles,
        probabilities=[event.model_dump() for event in products.probabilities],
    )
