"""Opens model and analysis of a published run again, and proves that they are those that the run names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.locations import Location
from forecast.control.conditions import parse_condition
from forecast.products.files.manifest import Manifest
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.runs.cycle import Cycle
from pipelines.runs.inputs import Inputs, open_inputs
from pipelines.runs.run_system import run_system
from pipelines.workspace.analyses import find_analysis
from pipelines.workspace.checkpoints import find_checkpoint
from pipelines.workspace.home import Home
from pipelines.workspace.model_registry import ModelRegistry, short


@dataclass(frozen=True)
class Sources:
    """Where model and analysis of a run are looked for, and what computes.

    Attributes:
        home: Home directory, which holds models and archives.
        checkpoint: Directory of the model; None for the one that the run names, or else the system's usual one.
        analysis: Archive or file of the analysis; None for the archive of the dataset.
        device: PyTorch device to compute on.
    """

    home: Home
    checkpoint: Path | None = None
    analysis: Location | None = None
    device: str = "cpu"


def open_original(
    sources: Sources, run: RunDirectory, manifest: Manifest, members: Sequence[int]
) -> tuple[Cycle, Inputs]:
    """Open what some members of a run were made from.

    Args:
        sources: Where model and analysis are looked for.
        run: The run, which is what its manifest says.
        manifest: Its manifest.
        members: Member numbers.

    Returns:
        The request for these members, and its inputs.

    Raises:
        ConfigurationError: The model or the analysis is not the one that the run names, or its members were retired.
        MissingDataError: There is no archive of the analysis.
        InvalidDataError: The run has other leads than its system.
    """
    system = run_system(run)
    cycle = Cycle(
        system=system,
        init_time=run.init_time,
        analysis=find_analysis(sources.home, system, sources.analysis),
        checkpoint=_checkpoint(sources, system, manifest.model_id),
        runs=run.path.parents[1],
        members=tuple(members),
        lead_steps=len(manifest.delivered.lead_hours),
        device=sources.device,
        allow_suspect=True,
        conditions=tuple(map(parse_condition, manifest.conditions or ())),
    )
    if cycle.lead_hours != manifest.delivered.lead_hours:
        raise InvalidDataError(f"run {run.path}: expected leads every {system.state.step_hours} h, found others")
    inputs = open_inputs(cycle)
    _check_identity(cycle, manifest, inputs)
    return cycle, inputs


def _checkpoint(sources: Sources, system: System, model_id: str) -> Path:
    """The given checkpoint, else that of the registry with the model's identity, else the usual one."""
    registry = ModelRegistry.read(sources.home.models(system.name))
    registered = [registry.directory(model) for model in registry.models if model.model_id == model_id]
    return find_checkpoint(sources.home, system, sources.checkpoint or next(iter(registered), None))


def _check_identity(cycle: Cycle, manifest: Manifest, inputs: Inputs) -> None:
    places = {
        "system_hash": "the system in its forecast file",
        "model_id": f"{cycle.checkpoint}; name the model with --checkpoint",
        "data_hash": f"{cycle.analysis}; name the analysis that it started from with --analysis",
    }
    for name, place in places.items():
        expected, found = str(getattr(manifest, name)), inputs.identity[name]
        if expected != found:
            raise ConfigurationError(
                f"run {cycle.run.path}: expected {name} {short(expected)}, found {short(found)} of {place}"
            )
