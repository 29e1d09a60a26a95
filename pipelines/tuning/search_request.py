"""The request for a search, and its identity."""

import json
from dataclasses import dataclass
from pathlib import Path

from data_catalog.errors import without_secrets
from data_catalog.sources.locations import Location
from forecast.checkpoints.description import read_description
from forecast.system.system import System
from pipelines.tuning.search_space import Choice, Value, own_value


@dataclass(frozen=True)
class SearchRequest:
    """A request for a search.

    Attributes:
        system: The system; keys that are not searched keep its values.
        analysis: Archive or file that covers the training and validation periods.
        directory: Directory of the study.
        space: Keys and values to try.
        trials: Total number of trials, including those of an earlier, killed search.
        iterations: Number of training iterations of each trial.
        checkpoint: Directory of a finished model to search only samplers for; None to train in each trial.
        starts: Number of validation forecasts of a trial.
        members: Size of each ensemble.
        lead_steps: Length of each forecast, in steps of the system.
        device: Device to compute on.
    """

    system: System
    analysis: Location
    directory: Path
    space: tuple[Choice, ...]
    trials: int
    iterations: int
    checkpoint: Path | None
    starts: int
    members: int
    lead_steps: int
    device: str = "cpu"

    @property
    def own_values(self) -> dict[str, Value]:
        """Return the system's own value of each searched key."""
        return {choice.key: own_value(self.system, choice.key) for choice in self.space}

    def identity(self) -> str:
        """Return what all trials of one study have in common, as JSON."""
        analysis = self.analysis.resolve() if isinstance(self.analysis, Path) else self.analysis
        shared = {
            "system": self.system.model_dump(mode="json", exclude={"forecast", "products", "schedule"}),
            "checkpoint": None if self.checkpoint is None else read_description(self.checkpoint).model_id,
            "analysis": without_secrets(str(analysis)),
            "space": [repr(choice) for choice in self.space],
            "sizes": [self.iterations, self.starts, self.members, self.lead_steps],
        }
        return json.dumps(shared, sort_keys=True)
