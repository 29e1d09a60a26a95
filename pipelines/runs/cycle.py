"""TODO: pipelines/runs/cycle.py."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.products.files.manifest import is_complete, read_manifest
from forecast.products.files.runs import RunDirectory
from forecast.states.starts import initial_state_hash
from forecast.system.system import System
from pipelines.terminal.times import parse_time
from pipelines.workspace.analyses import find_analysis, open_system_analysis
from pipelines.workspace.checkpoints import find_checkpoint
from pipelines.workspace.devices import choose_device
from pipelines.workspace.home import Home
from pipelines.workspace.open_checkpoint import open_checkpoint
from pipelines.workspace.systems import find_system, in_steps, requested_lead_steps

if TYPE_CHECKING:
    from forecast.checkpoints.checkpoint import Checkpoint


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


def open_inputs(cycle: Cycle) -> Inputs:
    """Open the checkpoint and the analysis of a cycle, and check that they belong together."""
    from forecast.states.starts import select_past

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


def check_single_member(cycle: Cycle) -> None:
    """Refuse to put a single member in the place of an ensemble.

    Raises:
        ConfigurationError: The run exists and holds more.
    """
    if is_complete(cycle.run.path):
        stored = read_manifest(cycle.run.path).delivered.members
        if stored != cycle.members:
            raise ConfigurationError(
                f"run {cycle.run.path}: expected no run there, found one of {len(stored)} members; "
                "name another directory with --out"
            )


def request_cycle(
    home: Home,
    system_name: str,
    init: str,
    *,
    members: int | None = None,
    lead: str | None = None,
    step: str | None = None,
    checkpoint: Path | None = None,
    analysis: Path | None = None,
    runs: Path | None = None,
    only_member: int | None = None,
    device: str = "auto",
) -> Cycle:
    """Describe one run.

    Args:
        home: Where archives, checkpoints and runs are.
        system_name: Name or path.
        init: ISO time.
        members: Size of the ensemble; the system's when None.
        lead: Such as 10d; the system's when None.
        step: Such as 12h, of those that the model has learned; the system's when None.
        checkpoint: In place of the found one.
        analysis: In place of the archive.
        runs: Root of the run directories, in place of the home's.
        only_member: Make this member alone.
        device: As the user names it.

    Raises:
        ConfigurationError: A word is wrong, or a single member, or steps of another length, would replace an ensemble.
        MissingDataError: There is no archive yet.
    """
    usual = find_system(system_name)
    system, own = in_steps(usual, step), usual.state.step_hours
    if system.state.step_hours != own and runs is None:
        raise ConfigurationError(
            f"--step {step}: expected --out DIR beside it, as runs at home are in steps of {own} h"
        )
    if only_member is not None and (runs is None or members is not None):
        raise ConfigurationError("--only-member: expected --out DIR and no --members beside it")
    init_time = parse_time(init, "--init")
    cycle = Cycle(
        system=system,
        init_time=init_time,
        analysis=find_analysis(home, system, analysis),
        checkpoint=find_checkpoint(home, system, checkpoint),
        runs=home.runs if runs is None else runs.absolute(),
        members=tuple(range(members or system.forecast.members)) if only_member is None else (only_member,),
        lead_steps=requested_lead_steps(system, lead),
        device=choose_device(device),
    )
    if only_member is not None:
        check_single_member(cycle)
    return cycle
