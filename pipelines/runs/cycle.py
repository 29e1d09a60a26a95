"""What one run is: a system, a start, the members and leads wanted, and where everything lies."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_catalog.errors import ConfigurationError
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
    """The request for one run, by path and number: small enough to hand from task to task.

    Attributes:
        system: Which system.
        init_time: Start of the forecast.
        analysis: Archive or file that holds the past states.
        checkpoint: Directory of the model.
        runs: Root of the run directories.
        members: Member numbers, counted from 0.
        lead_steps: How many lead steps of the system.
        device: Where to compute, as PyTorch names it.
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
    def lead_hours(self) -> tuple[int, ...]:
        """Every lead time of the run, in hours."""
        return tuple(self.system.state.step_hours * step for step in range(1, self.lead_steps + 1))


def cycle_at_home(
    home: Home,
    system: System,
    init_time: np.datetime64,
    *,
    members: int | None = None,
    lead: str | None = None,
    checkpoint: Path | None = None,
) -> Cycle:
    """The request for a run among those of a home, from the home's own analysis.

    Args:
        home: Holds archive, checkpoint and runs.
        system: Which system.
        init_time: Start of the forecast.
        members: Size of the ensemble; the system's when None.
        lead: Such as 10d; the system's when None.
        checkpoint: Directory in place of the one that the home or the package has.

    Raises:
        ConfigurationError: There is no checkpoint, or the lead is no multiple of the system's step.
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
    )


def check_single_member(cycle: Cycle) -> None:
    """Refuse to put a single member in the place of an ensemble.

    Args:
        cycle: Asks for one member alone.

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
