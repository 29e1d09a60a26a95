"""The ledger keeps what it was told, in order, or is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.storage.chained_lines import chained_line
from pipelines.operations.cycle_ledger import CycleEvent, CycleLedger, Hold
from tests.pipelines.operations.conftest import time

Begin = Callable[..., CycleLedger]


def test_a_ledger_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    ledger = CycleLedger.read(tmp_path / "none.jsonl")
    assert (ledger.plan, ledger.scheduled(), ledger.is_held) == (None, [], False)
    assert list(tmp_path.iterdir()) == []


def test_what_is_recorded_is_read_again(begin: Begin) -> None:
    ledger = begin()
    ledger.record([time("2008-01-01"), time("2008-01-02")], "waiting", "no data")
    ledger.record([time("2008-01-01")], "published")
    ledger.record([time("2008-01-09")], "running", asked=True)
    ledger.record([time("2008-01-08"), time("2008-01-09")], "verified")
    ledger.append(Hold(held=True, reason="a new disk"))
    again = CycleLedger.read(ledger.path)
    assert again.plan is not None
    assert (again.plan.first, again.plan.every_hours, again.plan.clock) == (time("2008-01-01"), 24, "wall")
    assert [event.event for event in again.events[time("2008-01-01")]] == ["waiting", "published"]
    assert again.scheduled() == [time("2008-01-01"), time("2008-01-02")]
    assert again.is_held
    ledger.append(Hold(held=False))
    assert not CycleLedger.read(ledger.path).is_held


def test_waiting_for_the_same_is_said_once(begin: Begin) -> None:
    ledger = begin()
    for reason in ("no data", "no data", "an outage", "no data"):
        ledger.record([time("2008-01-01")], "waiting", reason)
    assert [event.reason for event in ledger.events[time("2008-01-01")]] == ["no data", "an outage", "no data"]
    for _ in range(2):
        ledger.record([time("2008-01-01")], "running")
    assert len(ledger.events[time("2008-01-01")]) == 5


def test_a_line_cut_off_is_written_over(begin: Begin) -> None:
    ledger = begin()
    with ledger.path.open("ab") as file:
        file.write(b"0123 {half of a li")
    assert CycleLedger.read(ledger.path).scheduled() == []
    ledger.record([time("2008-01-01")], "published")
    assert CycleLedger.read(ledger.path).scheduled() == [time("2008-01-01")]


def test_processes_that_record_at_once_lose_nothing(begin: Begin) -> None:
    path = begin().path
    times = [time(f"2008-01-{day:02}") for day in range(1, 21)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: CycleLedger.read(path).record([each], "published"), times))
    assert CycleLedger.read(path).scheduled() == times


@pytest.mark.parametrize("number", [0, 1])
def test_an_altered_or_lost_line_is_refused(begin: Begin, number: int) -> None:
    ledger = begin()
    ledger.record([time("2008-01-01"), time("2008-01-02")], "published")
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(
        b"".join([*lines[:number], lines[number].replace(b"2008-01-01", b"2008-01-07"), *lines[number + 1 :]])
    )
    with pytest.raises(InvalidDataError, match=f"tiny.jsonl: line {number + 1}: expected .* it is damaged"):
        CycleLedger.read(ledger.path)
    ledger.path.write_bytes(b"".join([*lines[:number], *lines[number + 1 :]]))
    with pytest.raises(InvalidDataError, match="a line before it is lost"):
        CycleLedger.read(ledger.path)


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"record": "cycle", "event": "published"}, "init_time: expected a value, found none"),
        ({"record": "cycle", "init_time": "soon", "event": "published"}, "init_time: .*found 'soon'"),
        ({"record": "cycle", "init_time": "2008-01-01", "event": "eaten"}, "event: .*found 'eaten'"),
        ({"record": "other"}, "found"),
        ([1, 2], "found"),
    ],
)
def test_a_record_of_another_kind_is_named(tmp_path: Path, record: object, found: str) -> None:
    path = tmp_path / "tiny.jsonl"
    path.write_bytes(chained_line(record, "")[0])  # type: ignore[arg-type]
    with pytest.raises(InvalidDataError, match=f"tiny.jsonl: line 1: .*{found}"):
        CycleLedger.read(path)


def test_times_are_kept_to_the_minute_in_utc(begin: Begin) -> None:
    ledger = begin()
    ledger.append(CycleEvent(init_time=time("2008-01-01T06:00"), at=time("2008-01-01T12:34"), event="published"))
    (event,) = CycleLedger.read(ledger.path).events[time("2008-01-01T06:00")]
    assert event.at == time("2008-01-01T12:34")
    assert b'"at":"2008-01-01T12:34Z"' in ledger.path.read_bytes()
