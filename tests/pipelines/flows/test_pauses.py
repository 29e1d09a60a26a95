"""A full disk pauses a scheduled cycle, and ends one at a terminal."""

import errno
from pathlib import Path

import pytest

from data_catalog.errors import FullDiskError, InvalidDataError
from pipelines.flows import pauses
from pipelines.flows.pauses import ROOM_BYTES, when_there_is_room


class Disk:
    """A disk that is full at the first attempts."""

    def __init__(self, fault: Exception, attempts: int) -> None:
        self.fault, self.left = fault, attempts

    def write(self) -> str:
        if self.left:
            self.left -= 1
            raise self.fault
        return "written"


FAULTS = [FullDiskError("a file: full", Path("/")), OSError(errno.ENOSPC, "No space left on device", "/x/y")]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_scheduled_cycle_goes_on_when_there_is_room(
    fault: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free = iter([0, ROOM_BYTES - 1, ROOM_BYTES, ROOM_BYTES])
    slept: list[float] = []
    monkeypatch.setattr(pauses, "is_scheduled", lambda: True)
    monkeypatch.setattr(pauses, "free_bytes", lambda _: next(free))
    monkeypatch.setattr("time.sleep", slept.append)
    with caplog.at_level("INFO", "plumecast"):
        assert when_there_is_room(Disk(fault, 2).write, Path("/")) == "written"
    assert len(slept) == 4
    assert "paused until 64 MiB are free on /" in caplog.text
    assert "There is room on / again" in caplog.text


@pytest.mark.parametrize("fault", FAULTS)
def test_at_a_terminal_it_is_an_error_that_names_the_disk(fault: Exception) -> None:
    with pytest.raises(FullDiskError) as told:
        when_there_is_room(Disk(fault, 1).write, Path("/"))
    assert told.value.mount == Path("/")


def test_other_errors_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "is_scheduled", lambda: True)
    for fault in (InvalidDataError("bad"), OSError(errno.EIO, "Input/output error")):
        with pytest.raises(type(fault)):
            when_there_is_room(Disk(fault, 1).write, Path("/"))
