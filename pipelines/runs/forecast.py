"""Makes one cycle, from an analysis and a checkpoint to a published run.

The steps share files, not memory, so that each can be a task of its own: members, products and page are written into
the staged run, and `publish` reads the provenance of the members from the forecast file.
"""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import iso
from data_catalog.storage.locks import lock
from forecast.control.guidance import conditioned
from forecast.members.ensemble import MemberFields, MemberRequest, forecast_members
from forecast.parallel.prefetching import prefetched
from forecast.parallel.ranks import ALONE, Ranks, process_group
from forecast.products.files.cf import ForecastAxes
from forecast.products.files.derived import write_products
from forecast.products.files.manifest import (
    Contents,
    Start,
    extend_manifest,
    is_complete,
    read_manifest,
    write_manifest,
)
from forecast.products.files.netcdf import ForecastWriter, copy_members
from forecast.products.files.proof import described_by
from forecast.products.files.retired import retired_on
from forecast.products.files.runs import RunDirectory
from forecast.products.files.zarr import write_zarr
from forecast.verification.baselines.files import load_baselines
from pipelines.runs import staging
from pipelines.runs.attributes import global_attributes
from pipelines.runs.checking import check_run
from pipelines.runs.cycle import Cycle
from pipelines.runs.inputs import Inputs, open_inputs
from pipelines.runs.page import Background, draw_run
from pipelines.runs.stage_log import logged
from pipelines.terminal.progress import progress
from pipelines.workspace.checkpoints import BASELINES_FILE

logger = logging.getLogger("plumecast")
HOUR = np.timedelta64(1, "h")


def forecast_cycle(cycle: Cycle) -> Path:
    """Make one run; if the run exists, compute only missing members.

    A killed forecast continues after the last lead step that it finished. Processes started by torchrun or
    `--processes` divide the members among them; the first of them writes.

    Args:
        cycle: The request for the run.

    Returns:
        The directory of the run.

    Raises:
        MissingDataError: The analysis does not reach `init_time` yet.
        InvalidDataError: The analysis is invalid.
        ConfigurationError: The checkpoint belongs to another system.
    """
    inputs = open_inputs(cycle)
    with process_group(cycle.device, bands=cycle.bands) as ranks:
        if not ranks.is_first:
            share_members(cycle, inputs, ranks)
            return cycle.run.path
        with lock(staging.lock_path(cycle.run), f"run {cycle.run.path}"):
            make_run(cycle, inputs, ranks)
    return cycle.run.path


def make_run(cycle: Cycle, inputs: Inputs, ranks: Ranks | None = None) -> None:
    """Make and publish one run, whose lock is held; if it exists, compute only missing members.

    Args:
        cycle: The request for the run.
        inputs: Checkpoint and analysis of the run.
        ranks: Processes that divide the members among them, of which this is the first; None for this process alone.
    """
    if make_members(cycle, inputs, ranks):
        make_products(cycle)
        check_run(cycle)
        make_page(cycle, inputs.analysis)
        publish(cycle)


def make_members(cycle: Cycle, inputs: Inputs, ranks: Ranks | None = None) -> bool:
    """Write the NetCDF of all members into the staged run, unless the published run already holds them.

    Members of the published run are copied, the others are computed.

    Args:
        cycle: The request for the run.
        inputs: Checkpoint and analysis of the run.
        ranks: Processes that divide the members among them, of which this is the first; None for this process alone.

    Returns:
        Whether there is a staged run to finish and publish.
    """
    ranks = ranks or Ranks(device=cycle.device)
    staging.recover(cycle.run)
    published = _published_contents(cycle, inputs)
    if published is not None and _holds_all(published, cycle):
        ranks.broadcast(())
        if cycle.system.products.zarr and not cycle.run.zarr.exists():
            _add_zarr(cycle.run)
        logger.info("%s already holds the requested members", cycle.run.path)
        return False
    stage = staging.begin(cycle.run)
    kept = _members_to_keep(published, cycle)
    missing = ranks.broadcast(tuple(member for member in cycle.members if member not in kept))
    title = f"Forecast {cycle.system.name} {iso(cycle.init_time)}"
    with (
        logged(cycle.run, "members", stage.forecast, members=cycle.members) as log,
        _forecast_writer(cycle, inputs, stage.forecast) as writer,
        progress(title, len(cycle.members) * cycle.lead_steps, "fields") as advance,
    ):
        if kept:
            copy_members(cycle.run.forecast, writer, kept)
            logger.info("Kept %d members of the earlier run", len(kept))
        written = len(kept) * cycle.lead_steps
        advance(written)
        # The next fields are computed while these are being written.
        for made in prefetched(_computed(cycle, inputs, missing, ranks), depth=2):
            writer.write(made.members, made.lead_index, made.fields)
            written += len(made.members)
            advance(written, f"{len(made.members)} members at {made.lead_time / HOUR:g} h")
            if made.lead_index == cycle.lead_steps - 1:
                log.note("computed", members=made.members)
    return True


def share_members(cycle: Cycle, inputs: Inputs, ranks: Ranks) -> None:
    """Compute this process's members; the first process, which is another one, writes them.

    Args:
        cycle: The request for the run.
        inputs: Checkpoint and analysis of the run.
        ranks: Processes that divide the members among them, of which this is not the first.
    """
    for _ in _computed(cycle, inputs, ranks.broadcast(()), ranks):
        raise AssertionError("only the first process receives members")


def make_products(cycle: Cycle) -> Path:
    """Write mean, spread, quantiles and probabilities of the staged run, and its Zarr if the system asks for it.

    Args:
        cycle: The request for the run, whose members are staged.

    Returns:
        Path of the products file.
    """
    stage, products = staging.staged(cycle.run), cycle.system.products
    with logged(cycle.run, "products", stage.products, stage.zarr):
        if products.zarr:
            shutil.rmtree(stage.zarr, ignore_errors=True)  # an earlier attempt may have left one
            write_zarr(stage.forecast, stage.zarr)
        return write_products(
            stage.forecast, stage.products, quantiles=products.quantiles, probabilities=products.probabilities
        )


def make_page(cycle: Cycle, analysis: xr.Dataset) -> list[Path]:
    """Draw the staged run and write its page.

    Args:
        cycle: The request for the run, whose members are staged.
        analysis: Analysis with the channels of the system, lazy.

    Returns:
        Paths of the figures.
    """
    fitted, stage = cycle.checkpoint / BASELINES_FILE, staging.staged(cycle.run)
    with logged(cycle.run, "page", stage.plots, stage.report):
        background = Background(analysis, load_baselines(fitted) if fitted.exists() else None)
        return draw_run(stage, cycle.system, background)


def publish(cycle: Cycle) -> Path:
    """Write the manifest of the staged run and move the run into place.

    The manifest names the model, system and analysis that the members were made from, read from the forecast file.

    Args:
        cycle: The request for the run, whose members are staged.

    Returns:
        The directory of the run.

    Raises:
        InvalidDataError: The file does not hold the requested members and lead times.
    """
    stage = staging.staged(cycle.run)
    with logged(cycle.run, "publish", cycle.run.path):
        made = described_by(stage.forecast)
        write_manifest(
            stage,
            expected=Contents(members=cycle.members, lead_hours=cycle.lead_hours),
            start=Start(made["analysis_quality"], made["analysis_members"], made["conditions"]),
            **{name: made[name] for name in ("system_hash", "model_id", "data_hash", "seeds", "delivered")},
        )
        return staging.publish(cycle.run)


def member_request(cycle: Cycle, inputs: Inputs, members: tuple[int, ...], ranks: Ranks = ALONE) -> MemberRequest:
    """Return the request for some members of a run, with the noise that makes them meet its conditions.

    Args:
        cycle: The request for the run.
        inputs: Checkpoint and analysis of the run.
        members: Member numbers.
        ranks: Processes that compute them; one alone where there are conditions.

    Raises:
        ConfigurationError: The conditions contradict each other, cannot be met, or are asked of several processes.
    """
    request = MemberRequest(cycle.init_time, members, cycle.lead_steps)
    if not cycle.conditions or not members:
        return request
    if ranks.count > 1:
        raise ConfigurationError(f"conditions: expected one process to make the members, found {ranks.count}")
    found = conditioned(inputs.checkpoint, cycle.system, inputs.analysis, request, cycle.conditions)
    logger.info("Members meet %s", "; ".join(map(str, cycle.conditions)))
    return found


def _computed(cycle: Cycle, inputs: Inputs, members: tuple[int, ...], ranks: Ranks) -> Iterator[MemberFields]:
    batch_size = cycle.system.forecast.batch_size
    return forecast_members(
        inputs.checkpoint,
        cycle.system,
        inputs.analysis,
        member_request(cycle, inputs, members, ranks),
        batch_size=batch_size,
        state_directory=staging.states_directory(cycle.run, f"{inputs.digest}-{batch_size}"),
        ranks=ranks,
    )


def _forecast_writer(cycle: Cycle, inputs: Inputs, path: Path) -> ForecastWriter:
    grid = inputs.checkpoint.grid
    lead_times = np.array(cycle.lead_hours, dtype="timedelta64[h]").astype("timedelta64[ns]")
    return ForecastWriter(
        path,
        channels=cycle.system.state.predictands,
        axes=ForecastAxes(grid.latitude, grid.longitude, cycle.init_time, lead_times),
        members=cycle.members,
        attributes=global_attributes(cycle, inputs),
        step_hours=cycle.system.state.step_hours,
    )


def _published_contents(cycle: Cycle, inputs: Inputs) -> Contents | None:
    """Return members and leads of the published run; None unless it has the same model, system and analysis."""
    if not is_complete(cycle.run.path):
        return None
    manifest = read_manifest(cycle.run.path)
    imposed = tuple(map(str, cycle.conditions)) or None
    if manifest.conditions != imposed:
        raise ConfigurationError(
            f"run {cycle.run.path}: expected no run with other conditions there, found "
            f"{'; '.join(manifest.conditions or ('a free forecast',))}; name another directory with --out"
        )
    if (day := retired_on(manifest, cycle.run.forecast)) is not None:
        logger.info("The members of %s were retired on %s and are made again", cycle.run.path, day)
        return None
    differing = [name for name, value in inputs.identity.items() if getattr(manifest, name) != value]
    if differing:
        logger.info("%s was made from another %s and is made again", cycle.run.path, " and ".join(differing))
        return None
    return manifest.delivered


def _holds_all(published: Contents, cycle: Cycle) -> bool:
    return set(cycle.members) <= set(published.members) and set(cycle.lead_hours) <= set(published.lead_hours)


def _add_zarr(run: RunDirectory) -> None:
    """Publish a run again with its members also as Zarr, and everything else unchanged."""
    stage = staging.begin_from(run, also=[run.plots, run.report, run.scores])
    write_zarr(stage.forecast, stage.zarr)
    extend_manifest(stage.path, [path for path in stage.zarr.rglob("*") if path.is_file()])
    staging.publish(run)


def _members_to_keep(published: Contents | None, cycle: Cycle) -> tuple[int, ...]:
    if published is None or published.lead_hours != cycle.lead_hours:
        return ()
    return tuple(member for member in cycle.members if member in set(published.members))
