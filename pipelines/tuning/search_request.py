"""What a search tries, with what effort, and what tells it from another search."""

import json
from dataclasses import dataclass
from pathlib import Path

from forecast.checkpoints.description import read_description
from forecast.system.system import System
from pipelines.tuning.search_space import Choice, Value, own_value


@dataclass(frozen=True)
class SearchRequest:
    """What to search.

    Attributes:
        system: Its keys are tried; what is not searched stays.
        analysis: Archive or file that covers the training and validation periods.
        directory: Where the study is kept.
        space: Keys and values to try.
        trials: Number of trials in all, counting those of an earlier, killed search.
        iterations: Length of each trial's training.
        checkpoint: Directory of a finished model of which only the sampler is searched; None to train in each trial.
        starts: Validation forecasts of a trial.
        members: Size of each ensemble.
        lead_steps: Length of each forecast, in steps of the system.
        device: Where to compute.
    """

    system: System
    analysis: Path
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
        """The system's own value of each key that is searched."""
        return {choice.key: own_value(self.system, choice.key) for choice in self.space}

    def identity(self) -> str:
        """What all trials of one study have in common, as JSON."""
        shared = {
            "system": self.system.model_dump(mode="json", exclude={"forecast", "products", "schedule"}),
            "checkpoint": None if self.checkpoint is None else read_description(self.checkpoint).model_id,
            "analysis": str(self.analysis.resolve()),
            "space": [repr(choice) for choice in self.space],
            "sizes": [self.iterations, self.starts, self.members, self.lead_steps],
        }
        return json.dumps(shared, sort_keys=True)
