"""The inputs of a run: checkpoint and analysis, opened and checked once."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import xarray as xr

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.states.starts import initial_state_hash, select_past
from pipelines.runs.cycle import Cycle
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.open_checkpoint import open_checkpoint


@dataclass(frozen=True)
class Inputs:
    """The inputs of a run.

    Attributes:
        checkpoint: The model.
        analysis: Analysis with the channels of the system, lazy.
        identity: `system_hash`, `model_id` and `data_hash`; runs with the same identity hold the same members.
    """

    checkpoint: Checkpoint
    analysis: xr.Dataset
    identity: dict[str, str]

    @cached_property
    def digest(self) -> str:
        """Return a hash of the identity, 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:16]


def open_inputs(cycle: Cycle) -> Inputs:
    """Open the checkpoint and the analysis of a cycle, and check that they fit each other.

    Args:
        cycle: The request for the run.

    Raises:
        ConfigurationError: The checkpoint belongs to another system.
        InvalidDataError: The analysis is invalid.
        MissingDataError: The analysis does not reach the init time yet.
    """
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
