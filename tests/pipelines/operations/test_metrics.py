"""Metrics say what the ledger, the archive and the runs say, and the alert rules fire on them."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from data_catalog.errors import ConfigurationError
from forecast.products.checks.limits import FEWEST_RUNS
from forecast.products.files.checked import Check, CheckedRun, write_checked
from forecast.products.files.manifest import extend_manifest
from pipelines.operations.cycle_ledger import Announcement, CycleEvent, CycleLedger
from pipelines.operations.metrics import write_metrics
from pipelines.operations.status import status_of
from pipelines.workspace.home import Home
from tests.pipelines.operations.conftest import add_run, days, time

Begin = Callable[..., CycleLedger]
RULES = Path(__file__).parents[3] / "infra" / "prometheus"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr("pipelines.operations.metrics._newest_analysis", lambda *_: 1199145600.0)
    return Home(tmp_path)


def read(path: Path) -> dict[tuple[str, ...], float]:
    """Values by name and labels, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_cycles_are_counted_as_the_status_does(begin: Begin, place: Home) -> None:
    ledger = begin("data")
    ledger.append(CycleEvent(init_time=time("2008-01-01"), event="running", at=time("2008-01-01T06:00")))
    ledger.append(CycleEvent(init_time=time("2008-01-01"), event="published", at=time("2008-01-01T06:02")))
    ledger.record([time("2008-01-02"), time("2008-01-03")], "failed", "why")
    ledger.append(Announcement(init_time=time("2008-01-01"), to="webhook", delivered=False, reason="no answer"))
    run = add_run(place.runs, "2008-01-01")
    found = read(write_metrics(place, place.metrics))
    ((_, states),) = status_of(place, ["tiny"]).values()
    for state in ("failed", "published", "late"):
        assert found["plumecast_cycles", state, "tiny"] == sum(each.state == state for each in states)
    assert found["plumecast_failures", "tiny"] == 2
    assert found["plumecast_cycle_seconds", "tiny"] == 120
    assert found["plumecast_unannounced", "tiny"] == 1
    assert found["plumecast_held", "tiny"] == 0
    assert found["plumecast_newest_forecast_init_timestamp_seconds", "tiny"] == 1199145600
    assert found["plumecast_newest_forecast_made_timestamp_seconds", "tiny"] == run.forecast.stat().st_mtime
    assert found["plumecast_run_bytes", "tiny"] == len(b"members")


def test_spread_is_given_with_limits_of_the_system_s_own_history(begin: Begin, place: Home) -> None:
    begin("data")
    check = {"spread": Check(outcome="passed", measured=1, unit="spreads")}
    for number, day in enumerate(days("2008-01-01", FEWEST_RUNS + 1)):
        run = add_run(place.runs, str(np.datetime64(day, "D")))
        spread = {"msl": (200.0 if number < FEWEST_RUNS else 500.0,)}
        write_checked(run.checks, CheckedRun(checks=check, lead_hours=(24,), spread=spread))
        extend_manifest(run.path, [run.checks])
    found = read(write_metrics(place, place.metrics))
    assert found["plumecast_spread", "msl", "24", "none", "tiny"] == 500
    assert found["plumecast_spread", "msl", "24", "low", "tiny"] == pytest.approx(200 / 1.5)
    assert found["plumecast_spread", "msl", "24", "high", "tiny"] == pytest.approx(300)
    assert not [key for key in found if key[0] == "plumecast_crps"]


def test_a_damaged_file_hides_only_itself(begin: Begin, place: Home) -> None:
    begin("data").record([time("2008-01-01")], "failed", "why")
    run = add_run(place.runs, "2008-01-02")
    run.checks.write_text(json.dumps({"checks": 1}))
    run.scores.write_text("rubbish")
    assert read(write_metrics(place, place.metrics))["plumecast_cycles", "failed", "tiny"] == 1


def test_a_name_that_no_collector_reads(place: Home) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a name that ends with \.prom"):
        write_metrics(place, place.root / "metrics.txt")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_alerts_fire_as_they_should() -> None:
    for words in (["check", "rules", "plumecast.rules.yml"], ["test", "rules", "plumecast.test.yml"]):
        done = subprocess.run(["promtool", *words], cwd=RULES, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
