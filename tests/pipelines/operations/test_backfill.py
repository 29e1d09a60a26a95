"""The runs of a past period are made once, whatever exists already."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from data_catalog.archive.ingest import ingest
from data_catalog.catalog import dataset
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.open_source import open_source
from data_catalog.storage.locks import lock
from forecast.products.files.manifest import verify_manifest
from forecast.products.files.runs import RunDirectory
from pipelines.operations.backfill import Backfill, backfill
from pipelines.operations.cycles import SystemCycles
from pipelines.operations.status import status_of
from pipelines.runs import forecast as forecasting
from pipelines.terminal.times import parse_end
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.operations.conftest import time


@pytest.fixture
def archived(place: Home, weather_file: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    entry = dataset("speedy-5p6")
    ingest(entry, open_source(entry, str(weather_file)), place.archive(entry.name))
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    monkeypatch.setattr("pipelines.operations.verify.redraw_run", _keep_scores)
    return place


def _keep_scores(run: RunDirectory, _: object, write: Any) -> None:
    write(run.scores)


def request(home: Home, tiny: Path, start: str = "2008-01-01", end: str = "2008-01-04", **options: Any) -> Backfill:
    return Backfill(home, find_system(str(tiny)), time(start), parse_end(end), **{"every_hours": 24, **options})


def test_missing_runs_are_made_and_verified(archived: Home, tiny: Path) -> None:
    lines = list(backfill(request(archived, tiny, every_hours=48)))
    assert lines == [
        "2008-01-01T00:00Z: published", "2008-01-03T00:00Z: published",
        "2008-01-01T00:00Z: verified", "2008-01-03T00:00Z: verified",
    ]  # fmt: skip
    for run in archived.runs.glob("tiny/*Z"):
        verify_manifest(run)
    ((_, states),) = status_of(archived, ["tiny"]).values()
    assert [state.state for state in states] == ["verified", "verified"]
    assert [line[:10] for line in backfill(request(archived, tiny)) if line.endswith("published")] == [
        "2008-01-02", "2008-01-04",
    ]  # fmt: skip
    assert list(backfill(request(archived, tiny))) == []


def test_a_backfill_does_not_move_the_schedule(archived: Home, tiny: Path) -> None:
    list(backfill(request(archived, tiny, end="2008-01-01")))
    ((ledger, _),) = status_of(archived, ["tiny"]).values()
    assert ledger.scheduled() == []


def test_one_failure_leaves_the_others(archived: Home, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = forecasting.make_members

    def diverge(cycle: Any, *rest: Any) -> bool:
        if cycle.init_time == time("2008-01-02"):
            raise InvalidDataError("members: expected finite values, found NaN")
        return make(cycle, *rest)

    monkeypatch.setattr("pipelines.runs.forecast.make_members", diverge)
    made = backfill(request(archived, tiny, end="2008-01-03"))
    assert [next(made) for _ in range(3)] == [
        "2008-01-01T00:00Z: published",
        "2008-01-02T00:00Z: members: expected finite values, found NaN",
        "2008-01-03T00:00Z: published",
    ]
    with pytest.raises(InvalidDataError, match="found NaN"):
        list(made)


def test_a_killed_process_is_named(archived: Home, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(ThreadPoolExecutor):
        def __init__(self, workers: int, _: Any, prepare: Any, arguments: Any) -> None:
            super().__init__(workers, initializer=prepare, initargs=arguments)

        def submit(self, *_: Any) -> Any:
            return super().submit(self.end)

        def end(self) -> None:
            raise BrokenProcessPool

    monkeypatch.setattr("pipelines.operations.backfill.ProcessPoolExecutor", Broken)
    made = backfill(request(archived, tiny, end="2008-01-01"), workers=2)
    assert next(made) == (
        "2008-01-01T00:00Z: backfill: expected 2 processes to finish, found one that was killed, such as for want of "
        "memory; run it again with fewer --workers"
    )
    with pytest.raises(ConfigurationError, match="fewer --workers"):
        list(made)


def test_the_ledger_keeps_reasons_in_one_line(place: Home, tiny: Path) -> None:
    cycles = SystemCycles(place, find_system(str(tiny)))
    with pytest.raises(OSError, match="one"), cycles.recorded(time("2008-01-01"), asked=True):
        raise OSError("one\n\ntwo https://me:secret@example.org/file?key=1")
    last = cycles.ledger().last_event(time("2008-01-01"))
    assert last is not None
    assert last.reason == "OSError: one two https://example.org/file?..."


def test_a_scheduled_cycle_goes_first(
    archived: Home, tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pipelines.operations.backfill.PAUSE_SECONDS", 0.05)
    busy = ExitStack()
    busy.enter_context(lock(archived.cycle_lock("tiny"), "cycle"))
    Timer(0.5, busy.close).start()
    with caplog.at_level("INFO", "plumecast"):
        assert next(backfill(request(archived, tiny, end="2008-01-01"))) == "2008-01-01T00:00Z: published"
    assert "A scheduled cycle of tiny is at work, and goes first" in caplog.text


def test_a_period_without_data(archived: Home, tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"expected analyses from 2009-01-01T00:00Z to 2009-01-02T.* found none"):
        list(backfill(request(archived, tiny, "2009-01-01", "2009-01-02")))
    with pytest.raises(MissingDataError, match=r"expected the archive .* found none"):
        list(backfill(request(Home(tmp_path), tiny)))
