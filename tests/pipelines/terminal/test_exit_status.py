"""Each kind of error gives one line and one exit status."""

import errno
from pathlib import Path

import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from pipelines.terminal.exit_status import exit_status

MODULE = "pipelines.terminal.exit_status"


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (InvalidDataError("a: expected b, found c"), 2, "a: expected b, found c"),
        (MissingDataError("a: expected\nb"), 3, "a: expected b"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 2, "/x/y: expected the right to read or write"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/y"),
            2,
            "/x/y: expected room on the disk of /, found it full (No space left on device)",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "a file: expected room on its disk, found no space"),
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


@pytest.mark.parametrize("full", ["archives/x.zarr", "prefect", "tmp"])
def test_a_full_disk_of_any_place_is_named(
    full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Temporary files, Prefect's home and an archive may have disks of their own; NetCDF does not say which."""
    for name in ("archives/x.zarr", "prefect", "tmp"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    place = tmp_path / full
    monkeypatch.setattr(f"{MODULE}.free_bytes", lambda path: 0 if path == place else 10**9)
    monkeypatch.setattr(f"{MODULE}.mount_of", lambda path: path)

    def action() -> None:
        raise RuntimeError("NetCDF: HDF error")

    assert exit_status(action) == 2
    assert f"disk of {place}: expected room to write, found it full (RuntimeError: NetCDF" in capsys.readouterr().err
