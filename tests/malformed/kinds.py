"""The kinds of files that are spoilt, and what reads each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import xarray as xr

from data_catalog.archive.reading import open_archive
from data_catalog.catalog import read_dataset
from data_catalog.sources.archive_marks import LEDGER_NAME
from forecast.products.files.manifest import is_complete
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.data.ingest import ingest_dataset, ingest_new
from pipelines.operations.check import check_runs
from pipelines.operations.cycle_ledger import Plan
from pipelines.operations.cycles import SystemCycles
from pipelines.operations.index import write_index
from pipelines.operations.metrics import write_metrics
from pipelines.operations.promotion import model_lines, register_model
from pipelines.operations.status import status_of
from pipelines.operations.verify import verify
from pipelines.runs.cycle import cycle_at_home
from pipelines.runs.forecast import forecast_cycle
from pipelines.runs.stage_log import log_path
from pipelines.scoring.baselines import read_baselines
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.checkpoints import BASELINES_FILE
from pipelines.workspace.model_registry import ModelRegistry
from pipelines.workspace.open_checkpoint import open_checkpoint
from pipelines.workspace.systems import find_system, requested_lead_steps
from tests.chaos.world import FIRST, NAME, World, make_world

INIT = np.datetime64(FIRST, "ns")


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: In words.
        path: Returns the file in a world.
        read: Reads it, as commands do.
    """

    name: str
    path: Callable[[World], Path]
    read: Callable[[World], object]


def run_of(world: World) -> RunDirectory:
    """Return the run of a world."""
    return RunDirectory(world.home.runs, NAME, INIT)


def prepared(root: Path) -> World:
    """Make a world with an archive, a run that is verified, a ledger and a registry."""
    world = make_world(root)
    system = find_system(str(world.system), world.home)
    ingest_new(world.home, system.entry)
    other = root / "other"
    longer = system.changed(training={"iterations": 2, "warmup_iterations": 1})
    train_system(TrainingRequest(longer, weather(world), other))
    register_model(world.home, system, other)
    ledger = SystemCycles(world.home, system).ledger()
    ledger.append(Plan(system=NAME, first=INIT, every_hours=24, wait_hours=6, clock="data"))
    with patch("pipelines.runs.forecast.draw_run"), patch("pipelines.runs.republish.draw_run"):
        forecast_cycle(cycle_at_home(world.home, system, INIT))
        verify(VerificationRequest(world.home), [run_of(world).path])
    ledger.record([INIT], "published")
    ledger.record([INIT + np.timedelta64(1, "D")], "failed", "why", asked=True)
    small = weather(world).with_name("small.nc")
    with xr.open_dataset(weather(world), engine="netcdf4") as stored:
        stored.isel(time=slice(0, 40)).to_netcdf(small, engine="netcdf4")
    small.replace(weather(world))
    return world


def weather(world: World) -> Path:
    """Return the file that cycles ingest."""
    return world.root / "weather.nc"


def _system(world: World) -> object:
    system = find_system(str(world.system), world.home)
    return system.identity_hash(), requested_lead_steps(system, None)


def _run(world: World) -> object:
    run = run_of(world)
    list(check_runs([str(run.path)]))
    return is_complete(run.path), prove_run(run.path)


def _watched(world: World) -> object:
    """What the commands status and metrics do."""
    return status_of(world.home, []), write_metrics(world.home, world.home.metrics), write_index(world.home)


def _model(world: World) -> object:
    checkpoint = world.home.checkpoint(NAME)
    return open_checkpoint(checkpoint, find_system(str(world.system), world.home)), read_baselines(
        checkpoint / BASELINES_FILE
    )


def _registry(world: World) -> object:
    return model_lines(ModelRegistry.read(world.home.models(NAME))), cycle_at_home(world.home, system_of(world), INIT)


def system_of(world: World) -> System:
    return find_system(str(world.system), world.home)


def _ingest(world: World) -> object:
    entry = read_dataset(world.home.datasets / "invented.toml")
    return ingest_dataset(entry, world.root / "fresh.zarr", source=str(weather(world)))


def _forecast(world: World) -> object:
    request = VerificationRequest(world.home, system=system_of(world), scores=world.root / "scores")
    return verify(request, [run_of(world).forecast])


def _of_checkpoint(suffix: str) -> Callable[[World], Path]:
    return lambda world: next(world.home.checkpoint(NAME).glob(f"*{suffix}"))


def _archive(world: World) -> object:
    return open_archive(world.home.archive("invented")).load()


KINDS = [
    Kind("system file", lambda world: world.system, _system),
    Kind("dataset file", lambda world: world.home.datasets / "invented.toml", _ingest),
    Kind("manifest", lambda world: run_of(world).manifest, _run),
    Kind("checks", lambda world: run_of(world).checks, _watched),
    Kind("scores", lambda world: run_of(world).scores, _watched),
    Kind("cycle ledger", lambda world: world.home.cycle_ledger(NAME), _watched),
    Kind("log of a cycle", lambda world: log_path(run_of(world)), _watched),
    Kind("model registry", lambda world: world.home.models(NAME), _registry),
    Kind("description of a checkpoint", _of_checkpoint("model.json"), _model),
    Kind("weights of a checkpoint", _of_checkpoint(".safetensors"), _model),
    Kind("baselines of a checkpoint", _of_checkpoint("baselines.nc"), _model),
    Kind("NetCDF analysis", weather, _ingest),
    Kind("NetCDF forecast", lambda world: run_of(world).forecast, _forecast),
    Kind("ledger of an archive", lambda world: world.home.archive("invented") / LEDGER_NAME, _archive),
]
