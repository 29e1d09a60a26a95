"""The record beside a checkpoint."""

from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from forecast.verification.realism.gates import Figure, Gate
from forecast.verification.realism.report import GateRecord, RealismReport, read_realism, write_realism


def report_of(*gates: Gate, model_id: str = "ab" * 32) -> RealismReport:
    return RealismReport(
        system="tiny", model_id=model_id, period=("2008-01-01", "2008-12-20"),
        limits_from=("2007-01-01", "2007-12-31"), starts=36, members=8, lead_hours=(24.0, 240.0),
        regimes={"low": 12, "middle": 20, "high": 4}, gates=tuple(map(GateRecord.of, gates)),
    )  # fmt: skip


GATES = (
    Gate("spectrum", "power", [Figure({"channel": "v250", "lead_time": "240 h"}, value, 1 / 1.1, 1.1)
                               for value in (1.23456, 1.0, np.nan)]),
    Gate("device", "difference", (), "no GPU on this machine"),
    Gate("ranks", "ranks", [Figure({"moment": "rank"}, 0.5, 0.45, 0.55)]),
)  # fmt: skip


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    report = report_of(*GATES)
    assert read_realism(write_realism(report, tmp_path / "realism.json")) == report
    assert report.failed == ["spectrum"]
    assert report.words == "1 passed, 1 failed, 1 not measured (spectrum failed)"
    gate = report.gates[0].gate()
    assert (gate.status, len(gate.failures), gate.figures[0].value) == ("failed", 2, 1.235)
    assert report.gates[1].gate().reason == "no GPU on this machine"
    assert report.gates[1].gate().status == "not measured"


def test_a_damaged_record(tmp_path: Path) -> None:
    path = tmp_path / "realism.json"
    path.write_text('{"system": 3}')
    with pytest.raises(InvalidDataError, match="expected the gates of a model, found "):
        read_realism(path)
    with pytest.raises(FileNotFoundError):
        read_realism(tmp_path / "absent.json")
