"""The record of a model's gates: realism.json."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import write_durably
from data_catalog.storage.small_files import read_small
from data_catalog.storage.typed_files import faults_of_validation
from forecast.verification.realism.gates import Figure, Gate, Status

REALISM_FILE = "realism.json"
"""Name of the record in the directory of a checkpoint."""
_DIGITS = 4


class GateRecord(BaseModel):
    """A gate as it is stored.

    Attributes:
        name: Short name.
        title: What is measured.
        status: Whether it passed.
        reason: Why it has no figures.
        measured: Number of figures.
        failed: How many of them are beyond their limits.
        dims: What the labels of a figure stand for.
        figures: Labels, number, lower and upper limit of each; null where a number could not be computed.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    title: str
    status: Status
    reason: str
    measured: int
    failed: int
    dims: tuple[str, ...]
    figures: tuple[tuple[tuple[str, ...], float | None, float, float], ...]

    @classmethod
    def of(cls, gate: Gate) -> "GateRecord":
        """Return the record of a gate.

        Args:
            gate: Its figures all have the same dimensions.
        """
        rows = [
            (tuple(each.of.values()), _rounded(each.value), _known(each.low), _known(each.high))
            for each in gate.figures
        ]
        dims = tuple(gate.figures[0].of) if gate.figures else ()
        return cls(
            name=gate.name, title=gate.title, status=gate.status, reason=gate.reason, measured=len(rows),
            failed=len(gate.failures), dims=dims, figures=tuple(rows),
        )  # fmt: skip

    def gate(self) -> Gate:
        """Return the gate, its numbers to four digits."""
        figures = [
            Figure(dict(zip(self.dims, labels, strict=True)), np.nan if value is None else value, low, high)
            for labels, value, low, high in self.figures
        ]
        return Gate(self.name, self.title, figures, self.reason)


class RealismReport(BaseModel):
    """The gates of a model.

    Attributes:
        system: Name of the system.
        model_id: Identity of the model.
        period: First and last day of the starts.
        limits_from: First and last day of the weather that the limits come from.
        starts: Number of forecasts.
        members: Members of each.
        lead_hours: Lead times that were measured.
        regimes: Number of starts by regime.
        gates: All gates.
        format: Version of this layout.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    system: str
    model_id: str
    period: tuple[str, str]
    limits_from: tuple[str, str]
    starts: int
    members: int
    lead_hours: tuple[float, ...]
    regimes: dict[str, int]
    gates: tuple[GateRecord, ...]
    format: Literal[1] = 1

    @property
    def failed(self) -> list[str]:
        """Names of the gates that failed."""
        return [gate.name for gate in self.gates if gate.status == "failed"]

    @property
    def words(self) -> str:
        """How many gates passed and which failed, on one line."""
        counts = [f"{sum(gate.status == status for gate in self.gates)} {status}" for status in _STATUSES]
        return f"{', '.join(counts)}{f' ({_listed(self.failed)} failed)' if self.failed else ''}"


_STATUSES: tuple[Status, ...] = ("passed", "failed", "not measured")


def realism_json(report: RealismReport) -> str:
    """Return the record as JSON, a line a figure.

    Args:
        report: The gates of a model.
    """
    content = report.model_dump(mode="json")
    gates = content.pop("gates")
    lines = []
    for gate in gates:
        figures = ",\n    ".join(json.dumps(each) for each in gate.pop("figures"))
        head = json.dumps(gate)[:-1]
        lines.append(f'  {head}, "figures": [\n    {figures}\n  ]}}')
    joined = ",\n".join(lines)
    return f'{json.dumps(content)[:-1]}, "gates": [\n{joined}\n]}}\n'


def write_realism(report: RealismReport, path: Path) -> Path:
    """Write the record durably.

    Args:
        report: The gates of a model.
        path: File to write.
    """
    return write_durably(path, realism_json(report))


def read_realism(path: Path) -> RealismReport:
    """Read a record.

    Args:
        path: The file.

    Raises:
        InvalidDataError: It is no such record.
    """
    try:
        return RealismReport.model_validate_json(read_small(path))
    except ValidationError as error:
        faults = "; ".join(faults_of_validation(error))
        raise InvalidDataError(f"{path}: expected the gates of a model, found {faults}") from None


def _rounded(value: float) -> float | None:
    return _known(value) if np.isfinite(value) else None


def _known(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
