"""The request for one run: system, init time, members, lead steps and paths."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_catalog.errors import ConfigurationError
from data_catalog.sources.locations import Location
from forecast.control.conditions import Condition
from forecast.products.files.manifest import is_complete, read_manifest
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.workspace.analyses import find_analysis
from pipelines.workspace.checkpoints import find_checkpoint
from pipelines.workspace.devices import choose_device
from pipelines.workspace.home import Home
from pipelines.workspace.systems import requested_lead_steps


@dataclass(frozen=True)
class Cycle:
    """The request for one run, made of paths and numbers, and small enough to pass between tasks.

    Attributes:
        system: The system.
        init_time: Init time of the forecast, UTC.
        analysis: Archive or file that holds the past states.
        checkpoint: Directory of the model.
        runs: Root of the run directories.
        members: Member numbers, counted from 0.
        lead_steps: Number of lead steps.
        device: PyTorch device to compute on.
        bands: Number of processes that compute a member together, each a band of latitudes.
        allow_suspect: Whether to start from an analysis that the checks suspect.
        publish_anyway: Whether the run is published although it fails its checks.
        processes: Number of processes that a scheduled cycle starts to divide the members.
        conditions: What members are made to meet; empty for a free forecast.
    """

    system: System
    init_time: np.datetime64
    analysis: Location
    checkpoint: Path
    runs: Path
    members: tuple[int, ...]
    lead_steps: int
    device: str = "cpu"
    bands: int = 1
    allow_suspect: bool = False
    publish_anyway: bool = False
    processes: int = 1
    conditions: tuple[Condition, ...] = ()

    @property
    def run(self) -> RunDirectory:
        """Directory of the run."""
        return RunDirectory(self.runs, self.system.name, self.init_time)

    @property
    def lead_hours(self) -> tuple[int, ...]:
        """Lead times of the run, hours."""
        return tuple(self.system.state.step_hours * step for step in range(1, self.lead_steps + 1))


def cycle_at_home(
    home: Home,
    system: System,
    init_time: np.datetime64,
    *,
    members: int | None = None,
    lead: str | None = None,
    checkpoint: Path | None = None,
    processes: int = 1,
) -> Cycle:
    """Return the request for a run in a home, from the analysis in that home.

    Args:
        home: Home directory, which holds archive, checkpoint and runs.
        system: The system.
        init_time: Init time of the forecast, UTC.
        members: Size of the ensemble; None for the system's.
        lead: Lead time such as 10d; None for the system's.
        checkpoint: Directory of the checkpoint to use instead of the default.
        processes: Number of processes that divide the members.

    Raises:
        ConfigurationError: There is no checkpoint, or the lead time is not a multiple of the system's step.
        MissingDataError: There is no archive yet.
    """
    return Cycle(
        system=system,
        init_time=init_time,
        analysis=find_analysis(home, system),
        checkpoint=find_checkpoint(home, system, checkpoint),
        runs=home.runs,
        members=tuple(range(members or system.forecast.members)),
        lead_steps=requested_lead_steps(system, lead),
        device=choose_device("auto"),
        processes=processes,
    )


def check_single_member(cycle: Cycle) -> None:
    """Check that a single member does not replace an ensemble.

    Args:
        cycle: A request for a single member.

    Raises:
        ConfigurationError: The run exists and holds other members.
    """
    if is_complete(cycle.run.path):
        stored = read_manifest(cycle.run.path).delivered.members
        if stored != cycle.members:
            raise ConfigurationError(
                f"run {cycle.run.path}: expected no run there, found one of {len(stored)} members; "
                "name another directory with --out"
            )
