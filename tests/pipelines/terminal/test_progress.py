"""Progress: plain lines with rates, and a bar on a terminal."""

import logging

import pytest

from pipelines.terminal import progress as progress_module
from pipelines.terminal.progress import progress, spoken


def test_lines_with_rates(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO, "plumecast"), progress("Ingest", 10, "times") as advance:
        advance(5, "half")
        advance(10)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "Ingest: 10 times"
    assert lines[1].startswith("Ingest: 5/10 times, ")
    assert lines[1].endswith("; half")
    assert lines[-1].startswith("Ingest: done, 10 times in ")


def test_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with progress("Ingest", 10, "times") as advance:
        advance(10, "whole")
    assert "10/10" in capsys.readouterr().err


def test_another_process_than_the_first_draws_no_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("RANK", "1")
    with progress("Ingest", 10, "times") as advance:
        advance(10, "whole")
    assert "10/10" not in capsys.readouterr().err


def test_spans() -> None:
    assert [spoken(seconds) for seconds in (4.4, 200, 7500)] == ["4 s", "3 min 20 s", "2 h 5 min"]
