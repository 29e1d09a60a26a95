"""Only the first of several processes prints."""

import io
import logging
import sys

import pytest

from pipelines.terminal.output import SecretFreeRecord, StderrHandler, is_first_process, say


def test_only_the_first_process_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert is_first_process()
    say("alone")
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        say(f"rank {rank}")
    assert capsys.readouterr().out == "alone\nrank 0\n"


def test_log_lines_go_to_the_stderr_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = StderrHandler()
    for _ in range(2):
        now = io.StringIO()
        monkeypatch.setattr(sys, "stderr", now)
        handler.emit(logging.LogRecord("plumecast", logging.INFO, __file__, 1, "found %d", (3,), None))
        assert now.getvalue() == "found 3\n"


def test_log_records_hold_no_credentials() -> None:
    record = SecretFreeRecord("any", logging.INFO, "a.py", 1, "reading %s", ("http://bob:pw@host/x?sig=1",), None)
    assert logging.Formatter("%(message)s").format(record) == "reading http://host/x?..."
