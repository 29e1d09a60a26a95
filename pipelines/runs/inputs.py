"""The inputs of a run: checkpoint and analysis, opened and checked once."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive.judging import read_verdicts
from data_catalog.archive.verdicts import words_of
from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from data_catalog.quality.verdicts import GOOD, NOT_JUDGED, SUSPECT, Suspicion
from data_catalog.sources.archive_marks import LEDGER_NAME
from data_catalog.sources.locations import Location
from data_catalog.storage.object_path import in_object_storage, object_path
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.control.conditions import settings_hash
from forecast.states.starts import initial_state_hash, select_past
from pipelines.runs.cycle import Cycle
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.open_checkpoint import open_checkpoint

IDENTITY = ("system_hash", "model_id", "data_hash")
"""What runs that hold the same members have in common."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of a run.

    Attributes:
        checkpoint: The model.
        analysis: Analysis with the channels of the system, lazy.
        identity: `system_hash`, `model_id` and `data_hash`; runs with the same identity hold the same members.
        quality: Verdict on the analyses that the members start from.
    """

    checkpoint: Checkpoint
    analysis: xr.Dataset
    identity: dict[str, str]
    quality: str = NOT_JUDGED

    @cached_property
    def digest(self) -> str:
        """Return a hash of the identity, 16 hexadecimal digits."""
        return digest_of(self.identity)


def digest_of(identity: Mapping[str, str]) -> str:
    """Return a hash of what members are made from, 16 hexadecimal digits.

    Args:
        identity: `system_hash`, `model_id` and `data_hash`.
    """
    return hashlib.sha256(json.dumps(dict(identity), sort_keys=True).encode()).hexdigest()[:16]


def open_inputs(cycle: Cycle) -> Inputs:
    """Open the checkpoint and the analysis of a cycle, and check that they fit each other.

    Args:
        cycle: The request for the run.

    Raises:
        ConfigurationError: The checkpoint belongs to another system.
        InvalidDataError: The analysis is invalid, or suspect and not allowed to be.
        MissingDataError: The analysis does not reach the init time yet.
    """
    state = cycle.system.state
    checkpoint = open_checkpoint(cycle.checkpoint, cycle.system)
    analysis = open_system_analysis(cycle.analysis, cycle.system, ensemble=True)
    past = select_past(analysis, cycle.init_time, state.past_states, state.step_hours)
    identity = {
        "system_hash": settings_hash(cycle.system.identity_hash(), cycle.conditions),
        "model_id": checkpoint.model_id,
        "data_hash": initial_state_hash(past, state.predictands),
    }
    quality = quality_of(cycle.analysis, past["time"].values, state.predictands)
    if quality.startswith(SUSPECT) and not cycle.allow_suspect:
        raise InvalidDataError(
            f"init time {iso(cycle.init_time)}: expected a good analysis, found {quality}; "
            "--allow-suspect starts from it all the same"
        )
    return Inputs(checkpoint, analysis, identity, quality)


def quality_of(location: Location, times: NDArray[np.datetime64], channels: Sequence[str]) -> str:
    """Return the verdict on the analyses that a forecast starts from, in words.

    Args:
        location: Archive or file of the analysis; only an archive holds verdicts.
        times: Times of the analyses.
        channels: Their channels.

    Returns:
        `good`, `not judged`, or `suspect` with the first time, channel and reason.
    """
    if isinstance(location, str) and not in_object_storage(location):
        return NOT_JUDGED
    archive = object_path(location)
    if not (archive / LEDGER_NAME).is_file():
        return NOT_JUDGED
    verdicts = read_verdicts(archive)
    states = [(time, name, *verdicts.state(time, name)) for time in times for name in channels]
    for time, name, state, reason in states:
        if state == SUSPECT:
            return words_of(Suspicion(time, name, reason))
    return NOT_JUDGED if any(state == NOT_JUDGED for _, _, state, _ in states) else GOOD
