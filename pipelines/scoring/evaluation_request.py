"""What an evaluation is of: a system, a model, and the starts to forecast from."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.errors import MissingDataError
from data_catalog.layout.times import day, iso
from data_catalog.sources.locations import Location
from forecast.system.system import System
from pipelines.workspace.starts import complete_starts

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate.

    Attributes:
        system: Which system.
        analysis: Archive or file to start from and to verify against.
        checkpoint: Directory of the model and its baselines.
        scores: Score archive.
        start: First init time allowed.
        end: Last valid time allowed.
        every_hours: Between init times.
        members: Size of the ensemble.
        lead_steps: How many lead steps of the system.
        device: Where to compute, as PyTorch names it.
    """

    system: System
    analysis: Location
    checkpoint: Path
    scores: Path
    start: np.datetime64
    end: np.datetime64
    every_hours: int
    members: int
    lead_steps: int
    device: str = "cpu"


def init_times(request: EvaluationRequest, times: NDArray[np.datetime64]) -> list[np.datetime64]:
    """Init times of an evaluation: those whose past states and verifying analyses all exist.

    Args:
        request: Says from when to when, and how often.
        times: Of the analysis.

    Raises:
        MissingDataError: There is none.
    """
    hour = np.timedelta64(1, "h")
    step = request.system.state.step_hours * hour
    possible = complete_starts(request.system, times, request.lead_steps)
    possible = possible[(possible >= request.start) & (possible + request.lead_steps * step <= request.end)]
    if not possible.size:
        raise MissingDataError(
            f"evaluation of '{request.system.name}': expected analyses for {request.lead_steps} lead steps after a "
            f"start between {day(request.start)} and {day(request.end)}, found none among {times.size} analyses"
        )
    regular = np.arange(possible.min(), possible.max() + hour, request.every_hours * hour)
    chosen = regular[np.isin(regular, possible)]
    if chosen.size < regular.size:
        missing = ", ".join(iso(time) for time in regular[~np.isin(regular, possible)][:3])
        logger.warning(
            "%d of %d starts lack an analysis and are left out: %s ...",
            regular.size - chosen.size,
            regular.size,
            missing,
        )
    return list(chosen)
