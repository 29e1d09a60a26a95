"""Each kind of error gives one line and one exit status."""

import errno

import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from pipelines.terminal.exit_status import exit_status


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (InvalidDataError("a: expected b, found c"), 2, "a: expected b, found c"),
        (MissingDataError("a: expected\nb"), 3, "a: expected b"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 2, "/x/y: expected the right to read or write"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/y"),
            2,
            "/x/y: expected room on the disk, found no sp",
        ),
        (
            ModuleNotFoundError("No module named 'conjured'", name="conjured"),
            1,
            "bug in Plumecast: ModuleNotFoundError",
        ),
        (ValueError("oh"), 1, "bug in Plumecast: ValueError: oh"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_statuses(fault: BaseException, status: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> None:
        raise fault

    assert exit_status(action) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("plumecast: ")
    assert words in line


def test_a_command_that_ends_well_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_status(lambda: None) == 0
    assert capsys.readouterr().err == ""


def test_a_long_line_is_cut_and_debug_adds_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> None:
        raise InvalidDataError("x" * 5000)

    assert exit_status(action, debug=True) == 2
    error = capsys.readouterr().err
    assert error.startswith("Traceback")
    assert len(error.splitlines()[-1]) < 1100
