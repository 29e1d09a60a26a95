"""What the checks before publication found of a run: `checks.json` in its directory, and in short in its manifest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import write_durably
from data_catalog.storage.small_files import read_small
from data_catalog.storage.typed_files import faults_of_validation

Outcome = Literal["passed", "failed", "not judged"]
CheckedSpread = Mapping[str, tuple[float, ...]]
"""Area-weighted spread by channel, at each lead."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(_Part):
    """The outcome of one check."""

    outcome: Outcome
    measured: Annotated[int, Field(ge=0)]
    """How much was measured; a check that measured nothing has not passed."""
    unit: str
    """What is counted, such as values."""
    reason: str = ""
    """Why it failed or was not judged."""


class CheckedRun(_Part):
    """The content of `checks.json`."""

    format: Literal[1] = 1
    checks: dict[str, Check]
    """Outcomes by name."""
    lead_hours: tuple[int, ...]
    """Lead times of `spread`."""
    spread: dict[str, tuple[float, ...]]
    """Area-weighted spread by channel at each lead, units of the channel: what later runs are judged by."""

    def outcomes(self) -> dict[str, Outcome]:
        """Return the outcome of each check by name."""
        return {name: check.outcome for name, check in self.checks.items()}


def write_checked(path: Path, checked: CheckedRun) -> Path:
    """Write what the checks found.

    Args:
        path: `checks.json` of the run.
        checked: What they found.

    Returns:
        `path`.
    """
    return write_durably(path, checked.model_dump_json(indent=1) + "\n")


def read_checked(path: Path) -> CheckedRun | None:
    """Read what the checks found; None for a run of an earlier release, which has no such file.

    Args:
        path: `checks.json` of the run.

    Raises:
        InvalidDataError: The file is not of this form.
    """
    try:
        return CheckedRun.model_validate_json(read_small(path))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise InvalidDataError(f"{path}: expected outcomes of checks; {faults_of_validation(error)[0]}") from None
