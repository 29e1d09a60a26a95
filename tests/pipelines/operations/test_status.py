"""What the status shows of cycles, and what an operator can change."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from data_catalog.storage.locks import lock
from forecast.products.files.runs import RunDirectory
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.status import SHOWN, status_json, status_lines, status_of
from pipelines.operations.steering import hold_system, skip_cycle
from pipelines.runs.staging import lock_path
from pipelines.workspace.home import Home
from tests.pipelines.operations.conftest import add_run, days, time

Begin = Callable[..., CycleLedger]


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(tmp_path)


def shown(place: Home) -> list[str]:
    return [
        line for name, (ledger, states) in status_of(place, []).items() for line in status_lines(name, ledger, states)
    ]


def test_what_is_wrong_comes_first(begin: Begin, place: Home) -> None:
    ledger = begin("data")
    run = add_run(place.runs, "2008-01-01")
    ledger.record([time("2008-01-02")], "failed", "t2m: expected 200 to 340 K, found 900")
    ledger.record([time("2008-01-03")], "missed", "catch_up = 'latest'")
    ledger.record([time("2008-01-04")], "waiting", "no analysis")
    assert shown(place) == [
        "tiny: 1 failed, 1 missed, 1 waiting, 1 published",
        "  2008-01-02T00:00Z  failed     t2m: expected 200 to 340 K, found 900",
        "  2008-01-03T00:00Z  missed     catch_up = 'latest'",
        "  2008-01-04T00:00Z  waiting    no analysis",
        f"  2008-01-01T00:00Z  published  {run.path}",
    ]
    cycles = json.loads(status_json(status_of(place, ["tiny"])))["systems"]["tiny"]["cycles"]
    assert [cycle["state"] for cycle in cycles] == ["published", "failed", "missed", "waiting"]
    assert cycles[0] == {"init_time": "2008-01-01T00:00Z", "state": "published", "reason": "", "run": str(run.path)}


def test_a_cycle_runs_while_its_run_is_locked(begin: Begin, place: Home) -> None:
    """A backfill makes runs without the lock of the schedule."""
    begin("data").record([time("2008-01-02"), time("2008-01-03")], "running", asked=True)
    with lock(lock_path(RunDirectory(place.runs, "tiny", time("2008-01-02"))), "run"):
        lines = shown(place)
    assert lines[0] == "tiny: 1 failed, 1 due, 1 running"
    assert lines[1].startswith("  2008-01-03T00:00Z  failed     its process, begun")
    assert shown(place)[0] == "tiny: 2 failed, 1 due"


def test_a_killed_cycle_does_not_run_because_another_one_does(begin: Begin, place: Home) -> None:
    begin("data").record([time("2008-01-01")], "running")
    with lock(place.cycle_lock("tiny"), "cycle"):
        assert shown(place)[0] == "tiny: 1 failed"


def test_a_long_list_is_cut_and_says_so(begin: Begin, place: Home) -> None:
    begin("data").record(list(days("2008-01-01", SHOWN + 5)), "published")
    lines = shown(place)
    assert lines[1].startswith("  2008-01-17T00:00Z  published")
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "  and 5 more: 'plumecast status tiny --json' lists all"


def test_a_system_without_cycles(place: Home) -> None:
    assert status_of(place, []) == {}
    with pytest.raises(ConfigurationError, match=r"status of 'tiny': expected cycles in .* found none; start with"):
        status_of(place, ["tiny"])


def test_a_system_is_held_and_released(begin: Begin, place: Home) -> None:
    begin("data")
    assert hold_system(place, "tiny", held=True, reason="a new disk") == "tiny is held"
    assert shown(place)[0].startswith("tiny: 1 due; held since ")
    assert shown(place)[0].endswith("(a new disk)")
    assert hold_system(place, "tiny", held=True, reason="") == "tiny is held already; nothing changed"
    assert hold_system(place, "tiny", held=False, reason="") == "tiny is released"
    assert hold_system(place, "tiny", held=False, reason="") == "tiny is not held; nothing changed"
    assert shown(place)[0] == "tiny: 1 due"


def test_a_cycle_is_skipped_unless_it_is_made(begin: Begin, place: Home) -> None:
    ledger = begin("data")
    ledger.record([time("2008-01-01")], "failed", "wrong for good")
    assert "is skipped" in skip_cycle(place, "tiny", time("2008-01-01"), "the source has withdrawn it")
    assert shown(place)[1] == "  2008-01-01T00:00Z  skipped    the source has withdrawn it"
    with pytest.raises(ConfigurationError, match="expected a cycle of 'tiny' that was due, found none then"):
        skip_cycle(place, "tiny", time("2008-02-01"), "")
    add_run(place.runs, "2008-01-01")
    with pytest.raises(ConfigurationError, match="expected a cycle that is not made, found it published"):
        skip_cycle(place, "tiny", time("2008-01-01"), "")
