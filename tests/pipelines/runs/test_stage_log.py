"""Each stage of a cycle leaves lines in a log beside the run, which no manifest lists."""

import json
from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from pipelines.operations.verify import verify_run
from pipelines.runs.forecast import forecast_cycle
from pipelines.runs.stage_log import StageLog, log_path, logged, read_log
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.home import Home
from tests.pipelines.conftest import cycle_of


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "runs", "tiny", np.datetime64("2008-01-10", "ns"))


def test_a_cycle_leaves_a_line_for_each_event(
    place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    monkeypatch.setattr("pipelines.runs.republish.draw_run", lambda *_: [])
    made = RunDirectory.at(forecast_cycle(cycle_of(place, tiny, "2008-01-10", analysis=weather_file)))
    verify_run(VerificationRequest(place, analysis=weather_file), made)
    events = read_log(made)
    assert [(event.stage, event.event) for event in events] == [
        ("members", "begun"), ("members", "computed"), ("members", "computed"), ("members", "done"),
        ("products", "begun"), ("products", "done"), ("check", "begun"), ("check", "done"),
        ("page", "begun"), ("page", "done"), ("publish", "begun"), ("publish", "done"),
        ("verify", "begun"), ("verify", "done"),
    ]  # fmt: skip
    assert {(event.system, event.cycle) for event in events} == {("tiny", "20080110T0000Z")}
    assert [event.members for event in events[:4]] == [(0, 3), (0, 1), (2, 3), (0, 3)]
    assert events[3].size == made.forecast.stat().st_size
    assert all(event.seconds is not None and event.memory for event in events if event.event == "done")
    prove_run(made.path)  # the log is no file of the run
    assert [event.event for event in read_log(made)] == [event.event for event in events]


def test_a_failure_is_told_in_one_line_without_secrets(run: RunDirectory) -> None:
    with pytest.raises(InvalidDataError), logged(run, "products"):
        raise InvalidDataError("s3://user:secret@store/x: expected\nthis")
    with pytest.raises(ZeroDivisionError), logged(run, "page"):
        raise ZeroDivisionError("by zero")
    lines = [json.loads(line) for line in log_path(run).read_text().splitlines()]
    assert [line["event"] for line in lines] == ["begun", "failed"] * 2
    assert "secret" not in lines[1]["reason"]
    assert lines[1]["reason"].endswith("expected this")
    assert lines[3]["reason"] == "ZeroDivisionError: by zero"


def test_a_line_cut_off_is_left_out(run: RunDirectory) -> None:
    assert read_log(run) == []
    StageLog(run, "members").note("begun")
    with log_path(run).open("a") as file:
        file.write('{"at": "2008')
    assert [event.event for event in read_log(run)] == ["begun"]


def test_a_log_that_cannot_be_written_fails_nothing(run: RunDirectory, caplog: pytest.LogCaptureFixture) -> None:
    log_path(run).mkdir(parents=True)
    with logged(run, "members"):
        pass
    assert "not written: Is a directory" in caplog.text
