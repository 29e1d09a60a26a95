"""Several processes make the members of a scheduled cycle, and what they raise is raised here."""

import errno
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from data_catalog.errors import FullDiskError, MissingDataError
from forecast.products.files.forecast_reading import open_forecast
from pipelines.runs import shared_members, staging
from pipelines.runs.cycle import Cycle
from pipelines.runs.forecast import make_members
from pipelines.runs.inputs import open_inputs
from pipelines.runs.shared_members import make_members_together
from pipelines.workspace.home import Home
from tests.pipelines.conftest import cycle_of
from tests.pipelines.terminal.test_processes import children


@pytest.fixture
def cycle(place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch) -> Cycle:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return cycle_of(place, tiny, "2008-01-10", analysis=weather_file, processes=2)


def test_two_processes_stage_the_members_of_one(cycle: Cycle, tmp_path: Path) -> None:
    alone = replace(cycle, runs=tmp_path / "alone", processes=1)
    assert make_members(alone, open_inputs(alone))
    assert make_members_together(cycle)
    expected, found = (open_forecast(staging.staged(each.run).forecast).load() for each in (alone, cycle))
    assert found.equals(expected)  # the same batches


def test_an_error_of_a_process_is_raised_here(cycle: Cycle, tiny: Path, place: Home, weather_file: Path) -> None:
    late = cycle_of(place, tiny, "2009-01-10", analysis=weather_file, processes=2)
    with pytest.raises(MissingDataError, match="2009-01-10"):
        make_members_together(late)


@pytest.mark.parametrize("kind", [FullDiskError("/x: expected room", Path("/x")), OSError(errno.ENOSPC, "full", "/x")])
def test_a_full_disk_is_told_as_such(kind: Exception) -> None:
    told = shared_members._told_again(**shared_members._told(kind))  # type: ignore[arg-type]
    assert type(told) is type(kind)
    assert str(told) == str(kind)
    assert getattr(told, "mount", None) == getattr(kind, "mount", None)


def test_a_killed_process_is_named_and_leaves_no_other(cycle: Cycle, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(children(os.getpid()))

    def kill_the_second() -> None:
        until = time.monotonic() + 60
        while len(started := [one for one in children(os.getpid()) if one not in before]) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        os.kill(max(started), signal.SIGKILL)

    killer = threading.Thread(target=kill_the_second)
    killer.start()
    with pytest.raises(ChildProcessError, match="expected 2 processes to finish, found ended by signal 9 of process 1"):
        make_members_together(cycle)
    killer.join()
    assert set(children(os.getpid())) <= before
    assert make_members_together(cycle)
