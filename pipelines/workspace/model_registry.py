"""The models of a system in operation: which one is live, which ones run beside it, and which ones were.

An append-only file in the home directory, chained by hash. A system without one uses the checkpoint that is trained in
the home, or the shipped one.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import iso
from data_catalog.storage.record_files import append_record, read_records
from pipelines.terminal.times import now

State = Literal["candidate", "shadow", "live", "retired"]
LIVE: State = "live"
_SHOWN_DIGITS = 12


class ModelState(BaseModel):
    """A model came into a state.

    Attributes:
        at: When, ISO 8601.
        model_id: SHA-256 of the checkpoint and its calibration card.
        folder: Name of its directory beside the registry.
        state: From now on.
        reason: Why, for those who read it.
        evidence: What a promotion rests on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str = Field(default_factory=lambda: iso(now()))
    model_id: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    folder: Annotated[str, Field(pattern="^[0-9a-f]+$")]
    state: State
    reason: str = ""
    evidence: dict[str, Any] = {}


_RECORDS: TypeAdapter[ModelState] = TypeAdapter(ModelState)


@dataclass
class ModelRegistry:
    """What is recorded about the models of one system.

    Attributes:
        path: The file, which need not exist yet.
        records: All of it, in order.
    """

    path: Path
    records: list[ModelState] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "ModelRegistry":
        """Read a registry; one that does not exist yet is empty.

        Args:
            path: The file.

        Raises:
            InvalidDataError: A line is damaged, lost or repeated, or is no record of a registry.
        """
        return cls(path, read_records(path, _RECORDS))

    @property
    def live(self) -> ModelState | None:
        """The model that makes the forecasts; None if none was ever promoted."""
        return next((record for record in reversed(self.records) if record.state == LIVE), None)

    @property
    def models(self) -> list[ModelState]:
        """The present state of each model, in the order in which they came; of several live ones the last one is."""
        latest, live = {record.model_id: record for record in self.records}, self.live
        return [
            record if record.state != LIVE or record is live else record.model_copy(update={"state": "retired"})
            for record in latest.values()
        ]

    @property
    def shadows(self) -> list[ModelState]:
        """The models that run beside the live one."""
        return [model for model in self.models if model.state == "shadow"]

    @property
    def before_live(self) -> ModelState | None:
        """The model that was live before the present one; None if there was none."""
        lives = [record.model_id for record in self.records if record.state == LIVE]
        others = [one for one in lives if one != lives[-1]]
        return self.find(others[-1]) if others else None

    def find(self, beginning: str) -> ModelState:
        """Return the present state of a model.

        Args:
            beginning: First digits of its identity.

        Raises:
            ConfigurationError: No model, or several, begin like this.
        """
        found = [model for model in self.models if beginning and model.model_id.startswith(beginning)]
        if len(found) != 1:
            known = ", ".join(f"{short(model.model_id)} ({model.state})" for model in self.models) or "none"
            raise ConfigurationError(
                f"model '{beginning}': expected the beginning of one of {known}, found that of {len(found) or 'none'}"
            )
        return found[0]

    def directory(self, model: ModelState) -> Path:
        """Return the directory of the checkpoint of a model."""
        return self.path.parent / model.folder

    def append(self, record: ModelState) -> None:
        """Record a new state of a model durably.

        Args:
            record: The state.

        Raises:
            InvalidDataError: The file is damaged.
            ConfigurationError: It cannot be written.
        """
        append_record(self.path, record)
        self.records.append(record)


def short(model_id: str) -> str:
    """Return as much of an identity as people read."""
    return model_id[:_SHOWN_DIGITS]
