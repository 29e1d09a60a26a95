"""Files of old runs are retired in one step, and every reader says so."""

import os
import subprocess
import sys
import time as clock
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import is_complete, read_manifest
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from forecast.system.retention import Retention
from forecast.system.system import System
from pipelines.operations.check import check_runs
from pipelines.operations.cleaning import clean, cleanable_systems, require_rules
from pipelines.operations.cycle_states import published_runs
from pipelines.operations.verify import verify
from pipelines.runs import forecast as forecasting
from pipelines.runs import staging
from pipelines.runs.forecast import forecast_cycle
from pipelines.runs.republish import refresh_report
from pipelines.runs.sweep import sweep
from pipelines.runs.verifiable import runs_to_verify
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import cycle_of

RULES = "\n[retention]\nmembers_days = 30\nproducts_days = 365\n"


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def page(cycle: object, *_: object) -> list[Path]:
        staging.staged(cycle.run).report.write_text("<body>\n<p>a page</p></body>")  # type: ignore[attr-defined]
        return []

    monkeypatch.setattr(forecasting, "make_page", page)
    monkeypatch.setattr("pipelines.runs.republish.draw_run", lambda stage, *_: stage.report.write_text("<body>\n"))


@pytest.fixture
def ruled(tiny: Path, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(tiny.read_text() + RULES)
    return path


@pytest.fixture
def run(place: Home, ruled: Path, weather_file: Path) -> RunDirectory:
    """A run of the 10th of January that is verified."""
    made = RunDirectory.at(forecast_cycle(cycle_of(place, ruled, "2008-01-10", analysis=weather_file)))
    verify(VerificationRequest(place, analysis=weather_file), [made.path])
    return made


def aged(run: RunDirectory, days: float) -> None:
    """Let the files of a run be some days old."""
    then = clock.time() - days * 86400
    for path in run.path.rglob("*"):
        os.utime(path, (then, then))


def test_members_and_then_products_are_retired(place: Home, ruled: Path, run: RunDirectory, weather_file: Path) -> None:
    system = find_system(str(ruled))
    aged(run, 29)
    assert list(clean(place, system)) == []
    aged(run, 31)
    before = read_manifest(run.path)
    (said,) = clean(place, system, dry_run=True)
    assert said.endswith("would be retired")
    assert run.forecast.exists()
    (said,) = clean(place, system)
    assert "members of 31 days" in said
    assert list(clean(place, system)) == []
    after = prove_run(run.path)
    assert after.generation == before.generation + 1
    assert after.retired is not None
    assert after.retired[run.forecast.name].sha256 == before.files[run.forecast.name].sha256
    assert {run.products.name, "scores.json", "checks.json", "report.html"} <= set(after.files)
    assert "The members of this run were retired on" in run.report.read_text()
    aged(run, 400)
    (said,) = clean(place, system)
    assert "products of 400 days" in said
    assert sorted(path.name for path in run.path.iterdir()) == ["checks.json", "manifest.json", "scores.json"]
    assert prove_run(run.path).generation == before.generation + 2
    assert is_complete(run.path)
    assert run.init_time in published_runs(place.runs, "tiny")
    assert next(iter(check_runs([str(run.path)]))).endswith("2 files, 3 retired")


def test_every_reader_says_that_the_members_are_gone(
    place: Home, ruled: Path, run: RunDirectory, weather_file: Path
) -> None:
    aged(run, 31)
    list(clean(place, find_system(str(ruled))))
    words = r"expected its members, found that they were retired on \d{4}-\d\d-\d\d by \[retention\]"
    for read in (
        lambda: open_forecast(run.path),
        lambda: refresh_report(place, run.path),
        lambda: verify(VerificationRequest(place, analysis=weather_file), [run.path]),
    ):
        with pytest.raises(ConfigurationError, match=words):
            read()


def test_a_retired_run_can_be_made_again(place: Home, ruled: Path, run: RunDirectory, weather_file: Path) -> None:
    members = read_manifest(run.path).files[run.forecast.name]
    aged(run, 31)
    list(clean(place, find_system(str(ruled))))
    forecast_cycle(cycle_of(place, ruled, "2008-01-10", analysis=weather_file))
    made = prove_run(run.path)
    assert made.retired is None
    assert made.files[run.forecast.name].size == pytest.approx(members.size, abs=64)


def test_unverified_members_are_kept_as_long_as_products(place: Home, ruled: Path, weather_file: Path) -> None:
    system = find_system(str(ruled))
    made = RunDirectory.at(forecast_cycle(cycle_of(place, ruled, "2008-01-10", analysis=weather_file)))
    aged(made, 300)
    (said,) = clean(place, system)
    assert said.endswith("members of 300 days are kept, because they are not verified yet")
    assert made.forecast.exists()
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        times = weather["time"].values
    assert runs_to_verify(system, times, place.runs) == [made]
    aged(made, 400)
    assert len(list(clean(place, system))) == 2
    assert not made.forecast.exists()
    assert not made.products.exists()
    assert runs_to_verify(system, times, place.runs) == []
    prove_run(made.path)


def test_a_lingering_file_is_named(place: Home, ruled: Path, run: RunDirectory) -> None:
    aged(run, 31)
    list(clean(place, find_system(str(ruled))))
    run.forecast.write_bytes(b"back again")
    with pytest.raises(InvalidDataError, match="expected none, retired on"):
        prove_run(run.path)


def test_what_killed_or_rejected_forecasts_left_is_removed(place: Home, ruled: Path, run: RunDirectory) -> None:
    system = find_system(str(ruled))
    left = staging.rejected(RunDirectory(place.runs, "tiny", run.init_time))
    left.mkdir(parents=True)
    assert list(clean(place, system)) == []
    then = clock.time() - 31 * 86400
    os.utime(left, (then, then))
    (said,) = clean(place, system)
    assert said == f"{left}: left 31 days ago, removed"
    assert not left.exists()


def test_only_systems_with_rules_are_cleaned(place: Home, tiny: Path, ruled: Path, run: RunDirectory) -> None:
    assert [system.name for system in cleanable_systems(place)] == ["tiny"]
    aged(run, 400)
    usual = find_system(str(tiny))
    assert list(clean(place, usual)) == []
    with pytest.raises(ConfigurationError, match=r"expected \[retention\] in its system file"):
        require_rules(usual)


def test_rules_change_no_hash(tiny: Path) -> None:
    system: System = find_system(str(tiny))
    assert "retention" not in system.model_dump()
    kept = system.changed(retention=Retention())
    assert (kept.identity_hash(), kept.training_hash()) == (system.identity_hash(), system.training_hash())


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.operations.cleaning import clean
from pipelines.runs import staging
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
name = sys.argv[3]
module, function = {
    "manifest": ("pipelines.runs.retirement", "retire_files"),
    "swap": ("pipelines.runs.staging", "publish"),
    "after": ("pipelines.runs.staging", "working_directories"),
}[name]
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(sys.modules[module], function, die)
list(clean(Home(Path(sys.argv[1])), find_system(sys.argv[2])))
"""


def test_a_kill_leaves_the_run_with_or_without_its_members(place: Home, ruled: Path, run: RunDirectory) -> None:
    for moment in ("manifest", "swap", "after"):
        aged(run, 31)
        command = [sys.executable, "-c", KILLED, str(place.root), str(ruled), moment]
        killed = subprocess.run(command, check=False, capture_output=True)
        assert killed.returncode == -9, killed.stderr.decode()
        retired = prove_run(run.path).retired
        assert run.forecast.exists() == (retired is None) == (moment != "after")
    list(clean(place, find_system(str(ruled))))
    assert prove_run(run.path).retired is not None
    sweep(place.runs, "tiny")
    assert not any(path.exists() for path in staging.working_directories(run))
