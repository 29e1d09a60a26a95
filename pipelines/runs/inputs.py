"""What a run is made from: the checkpoint and the analysis, opened and checked once."""

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
    """What the members of a run are made from.

    Attributes:
        checkpoint: The model.
        analysis: The channels of the system, lazily.
        identity: `system_hash`, `model_id` and `data_hash`: two runs of the same identity hold the same members.
    """

    checkpoint: Checkpoint
    analysis: xr.Dataset
    identity: dict[str, str]

    @cached_property
    def digest(self) -> str:
        """The identity as one short name, 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:16]


def open_inputs(cycle: Cycle) -> Inputs:
    """Open the checkpoint and the analysis of a cycle, and check that they belong together.

    Args:
        cycle: Says where they lie.

    Raises:
        ConfigurationError: The checkpoint is of another system.
        InvalidDataError: The analysis must not be believed.
        MissingDataError: The analysis does not reach the start yet.
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
