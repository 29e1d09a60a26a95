"""The flows against a real, temporary Prefect server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import xarray as xr
from prefect import get_client
from prefect.client.schemas.objects import StateType
from pydantic import SecretStr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.workers import Workers, own_threads
from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.layout.times import iso
from data_catalog.sources.open_source import open_source
from data_catalog.storage.locks import is_held, lock
from forecast.products.files.manifest import is_complete, verify_manifest
from forecast.products.files.runs import RunDirectory
from forecast.products.files.stored_runs import prove_stored_run
from forecast.verification import open_score_archive
from pipelines.data.ingest import ingest_new
from pipelines.flows import tasks
from pipelines.flows.crashed_runs import AUTOMATION, ensure_crash_automation, mark_dead_cycles
from pipelines.flows.cycle import cycle_flow
from pipelines.flows.resources import Resources
from pipelines.flows.retries import delays_until, is_passing
from pipelines.flows.server import server_errors
from pipelines.flows.serving import HowToRun, check_cron, deployment
from pipelines.operations.cycles import SystemCycles
from pipelines.operations.status import status_of
from pipelines.operations.steering import hold_system
from pipelines.runs import forecast as forecasting
from pipelines.runs.cycle import Cycle
from pipelines.runs.forecast import forecast_cycle
from pipelines.runs.inputs import Inputs
from pipelines.workspace.home import Home
from pipelines.workspace.starts import Times
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import cycle_of

pytestmark = pytest.mark.filterwarnings(
    # Prefect and its server's parts leave sockets, loops and files to the garbage collector.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::pytest.PytestUnhandledThreadExceptionWarning",
    "ignore::DeprecationWarning",
)


@pytest.fixture
def archived(place: Home, weather_file: Path) -> Home:
    entry = dataset("speedy-5p6")
    ingest(entry, open_source(entry, str(weather_file)), place.archive(entry.name))
    return place


def run_cycle(place: Home, tiny: Path, weather: Path, **options: Any) -> Path:
    (run,) = cycle_flow(str(tiny), str(place.root), source=SecretStr(str(weather)), **options)
    return Path(run)


def test_two_cycles_leave_two_runs_and_a_verified_one(
    server: None, place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    first = run_cycle(place, tiny, weather_file)
    second = run_cycle(place, tiny, weather_file)
    assert [path.name for path in (first, second)] == ["20080101T0000Z", "20080102T0000Z"]
    assert "scores.json" in verify_manifest(first).files
    assert is_complete(second)
    assert not RunDirectory.at(second).scores.exists()
    kept = open_score_archive(place.score_archive("tiny"))["sums"]
    assert [name.partition("@")[0] for name in kept["forecaster"].values] == [
        "analogue", "climatology", "linear", "persistence", "plumecast",
    ]  # fmt: skip
    assert kept["init_time"].values.tolist() == [np.datetime64("2008-01-01", "ns").astype(int)]
    with get_client(sync_client=True) as client:
        keys = {artifact["key"] for artifact in client._client.post("/artifacts/filter", json={}).json()}
        runs = client.read_flow_runs(limit=200, sort="START_TIME_DESC")  # type: ignore[arg-type]
    assert {"tiny-run", "tiny-scores", "tiny-score-table"} <= keys
    assert {run.state_type for run in runs} == {StateType.COMPLETED}
    assert {run.parameters["source"] for run in runs} == {"**********"}
    assert {run.name for run in runs} == {"tiny-due"}
    assert states_of(place) == {"2008-01-01T00:00Z": "verified", "2008-01-02T00:00Z": "published"}


def test_a_cycle_opens_workers_to_ingest_and_to_verify(
    server: None, place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    opened: list[str] = []

    @contextmanager
    def noted(name: str, _: Home) -> Iterator[Workers]:
        opened.append(name)
        with own_threads() as workers:
            yield replace(workers, count=len(opened))

    for module in ("cycle", "tasks"):
        monkeypatch.setattr(f"pipelines.flows.{module}.open_scheduler", noted)
    run_cycle(place, tiny, weather_file, resources=Resources(scheduler="tcp://head:8786"))
    assert opened == ["tcp://head:8786", "local"]  # nothing can be verified yet
    run_cycle(place, tiny, weather_file, resources=Resources(scheduler="tcp://head:8786"))
    assert opened[2:] == ["tcp://head:8786"] * 2
    assert states_of(place) == {"2008-01-01T00:00Z": "verified", "2008-01-02T00:00Z": "published"}
    with pytest.raises(ConfigurationError, match="expected local, processes or tcp"):
        run_cycle(place, tiny, weather_file, resources=Resources(scheduler="head"))


def test_a_cycle_copies_its_runs_to_where_the_system_publishes(
    server: None, place: Home, tiny: Path, weather_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    copying, published = tmp_path / "copying.toml", tmp_path / "published"
    copying.write_text(f'{tiny.read_text()}\n[publish]\nto = "file://{published}"\n')
    first = run_cycle(place, copying, weather_file)
    published.rename(tmp_path / "away")
    published.write_text("a file where a directory should be")
    with pytest.raises(ConfigurationError, match=f"^{published}/tiny/20080102.* expected to be able to write"):
        run_cycle(place, copying, weather_file)
    assert states_of(place) == {"2008-01-01T00:00Z": "verified", "2008-01-02T00:00Z": "published"}
    published.unlink()
    (tmp_path / "away").rename(published)
    run_cycle(place, copying, weather_file)
    assert "scores.json" in prove_stored_run(published / "tiny" / first.name).files
    assert [path.name for path in sorted((published / "tiny").iterdir())] == [
        "20080101T0000Z", "20080102T0000Z", "20080103T0000Z", "latest.json",
    ]  # fmt: skip


def states_of(place: Home, what: str = "state") -> dict[str, str]:
    """State of each cycle of the tiny system, or its reason, by init time."""
    ((_, states),) = status_of(place, ["tiny"]).values()
    return {iso(state.init_time): str(getattr(state, what)) for state in states}


def test_a_forecast_by_hand_does_not_move_the_schedule(
    server: None, place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    run_cycle(place, tiny, weather_file)
    forecast_cycle(cycle_of(place, tiny, "2008-01-10", analysis=weather_file))
    assert run_cycle(place, tiny, weather_file).name == "20080102T0000Z"


def test_a_cycle_that_fails_is_explained_and_made_by_the_next(
    server: None, place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    with monkeypatch.context() as broken:
        broken.setattr("pipelines.runs.forecast.make_members", _diverge)
        with pytest.raises(InvalidDataError, match="members: expected"):
            run_cycle(place, tiny, weather_file)
    assert states_of(place) == {"2008-01-01T00:00Z": "failed"}
    assert run_cycle(place, tiny, weather_file).name == "20080101T0000Z"
    assert states_of(place) == {"2008-01-01T00:00Z": "published"}


def test_a_cycle_that_fails_its_checks_is_not_made_again_from_the_same(
    server: None, place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    made: list[object] = []
    make_members = forecasting.make_members

    def counted(cycle: Cycle, inputs: Inputs) -> bool:
        made.append(cycle.init_time)
        return make_members(cycle, inputs)

    monkeypatch.setattr(forecasting, "make_members", counted)
    with monkeypatch.context() as failing:
        failing.setattr("pipelines.runs.checking.faults_of", lambda _: ["spread: expected less, found more"])
        with pytest.raises(InvalidDataError, match="not published, spread"):
            run_cycle(place, tiny, weather_file)
    reason = states_of(place, "reason")
    with pytest.raises(InvalidDataError, match=r"another analysis, model or system .* 'plumecast cycle tiny --init"):
        run_cycle(place, tiny, weather_file)
    assert len(made) == 1
    assert states_of(place, "reason") == reason
    SystemCycles(place, find_system(str(tiny))).refuse_rejected(
        np.datetime64("2008-01-01", "ns"), lambda: "of another model"
    )
    assert run_cycle(place, tiny, weather_file, init="2008-01-01").name == "20080101T0000Z"
    assert len(made) == 2
    assert states_of(place) == {"2008-01-01T00:00Z": "published"}


def test_a_held_system_makes_nothing(server: None, archived: Home, tiny: Path, weather_file: Path) -> None:
    hold_system(archived, "tiny", held=True, reason="a new disk")
    assert cycle_flow(str(tiny), str(archived.root)) == []
    assert not archived.runs.exists() or not list(archived.runs.glob("tiny/*"))


def test_late_data_ends_the_cycle_with_its_own_error(
    server: None, archived: Home, tiny: Path, weather_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(MissingDataError, match="2008-02-21"):
        run_cycle(archived, tiny, weather_file, init="2008-02-21")
    assert states_of(archived) == {"2008-02-21T00:00Z": "waiting"}
    assert "MissingDataError" in caplog.text
    assert "Traceback" not in caplog.text
    with pytest.raises(ConfigurationError, match="expected an ISO time"):
        run_cycle(archived, tiny, weather_file, init="soon")


def test_late_data_is_asked_for_again(
    server: None, archived: Home, tiny: Path, weather_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt finds the archive without the day, the second finds a source that has it."""
    later = tmp_path / "later.nc"
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        days = weather.load()
    shifted = days.isel(time=slice(-2, None))
    shifted.assign_coords(time=shifted["time"] + np.timedelta64(2, "D")).to_netcdf(later, engine="netcdf4")
    asked: list[int] = []

    def at_second_sight(place: Home, entry: DatasetEntry, source: str | None, _: object) -> Path:
        asked.append(len(asked))
        return ingest_new(place, entry, str(weather_file if len(asked) == 1 else later))

    monkeypatch.setattr(tasks, "ingest_new", at_second_sight)
    monkeypatch.setattr("pipelines.flows.cycle.delays_until", lambda _: [0.0])
    eager = tasks.ingest_for_cycle.with_options(retry_condition_fn=lambda *_: True)
    monkeypatch.setattr(tasks, "ingest_for_cycle", eager)
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    tolerant = tmp_path / "tiny.toml"
    tolerant.write_text(tiny.read_text() + "\n[schedule]\nallow_suspect = true\n")  # the later days are copies
    assert run_cycle(archived, tolerant, weather_file, init="2008-02-21").name == "20080221T0000Z"
    assert asked == [0, 1]


def test_earlier_runs_are_verified_though_new_data_is_late(
    server: None, archived: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    earlier = RunDirectory.at(forecast_cycle(cycle_of(archived, tiny, "2008-01-10", analysis=weather_file)))
    assert not earlier.scores.exists()
    with pytest.raises(MissingDataError, match="2008-02-21"):
        run_cycle(archived, tiny, weather_file, init="2008-02-21")
    assert earlier.scores.exists()


def test_a_schedule_may_name_its_source(
    server: None, place: Home, tiny: Path, weather_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    named = tmp_path / "tiny.toml"
    named.write_text(tiny.read_text() + f"\n[schedule]\nsource = '{weather_file}'\n")
    assert [Path(run).name for run in cycle_flow(str(named), str(place.root))] == ["20080101T0000Z"]


def test_only_one_cycle_of_a_system_at_a_time(server: None, archived: Home, tiny: Path, weather_file: Path) -> None:
    with (
        lock(archived.cycle_lock("tiny"), "cycle of 'tiny'"),
        pytest.raises(MissingDataError, match="try again later"),
    ):
        run_cycle(archived, tiny, weather_file)


def test_a_cycle_that_waits_leaves_others_free(
    server: None, archived: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While data is waited for, nobody holds the lock of the system's cycles; what another made meanwhile stays."""
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    choose, held = SystemCycles.choose, list[bool]()

    def chosen_by_two(cycles: SystemCycles, times: Times) -> tuple[np.datetime64, ...]:
        chosen = choose(cycles, times)
        held.append(is_held(archived.cycle_lock("tiny")))
        forecast_cycle(cycle_of(archived, tiny, str(chosen[0]), analysis=weather_file))
        return chosen

    monkeypatch.setattr(SystemCycles, "choose", chosen_by_two)
    assert cycle_flow(str(tiny), str(archived.root), source=SecretStr(str(weather_file))) == []
    assert held == [False]
    assert list(states_of(archived)) == ["2008-01-01T00:00Z"]


def test_a_damaged_archive_is_mended(
    server: None, archived: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.page.plot_run", _one_plot)
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    chunk = archived.archive("speedy-5p6") / "msl" / "c.0.0.0"
    sound = chunk.read_bytes()
    chunk.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    assert run_cycle(archived, tiny, weather_file, init="2007-01-05").name == "20070105T0000Z"
    assert chunk.read_bytes() == sound
    ((_, states),) = status_of(archived, ["tiny"]).values()
    assert states[0].reason.startswith("the archive was damaged, and 1 fault mended: ")


def test_dead_cycles_are_swept(server: None, archived: Home, tiny: Path) -> None:
    from prefect.states import Running

    system = find_system(str(tiny))
    made = deployment(archived, str(tiny), system, HowToRun())
    resources = {"processes": 1, "scheduler": "local"}
    assert made.parameters == {"system": str(tiny), "home": str(archived.root), "resources": resources}
    identity = made.apply()
    with get_client(sync_client=True) as client:
        run = client.create_flow_run_from_deployment(identity, state=Running())
        with lock(archived.schedule_lock("tiny"), "cycle"):
            assert mark_dead_cycles(client, archived, ["tiny"]) == 0
        assert mark_dead_cycles(client, archived, ["tiny"]) == 1
        assert client.read_flow_run(run.id).state_type == StateType.CRASHED
        assert mark_dead_cycles(client, archived, ["tiny"]) == 0


def test_crash_automation_is_made_once(server: None) -> None:
    ensure_crash_automation()
    ensure_crash_automation()
    with get_client(sync_client=True) as client:
        names = [automation["name"] for automation in client._client.post("/automations/filter", json={}).json()]
    assert names.count(AUTOMATION) == 1


@pytest.mark.parametrize(
    ("fault", "told", "words"),
    [
        (httpx.ConnectError("refused"), ConfigurationError, "expected an answer, found refused"),
        (RuntimeError("ours"), RuntimeError, "^ours$"),
    ],
)
def test_a_server_that_fails_is_named(fault: Exception, told: type[Exception], words: str) -> None:
    with pytest.raises(told, match=words), server_errors():
        raise fault


def test_cron() -> None:
    check_cron("*/5 * * * *")
    with pytest.raises(ConfigurationError, match="found 'every day'"):
        check_cron("every day")


@pytest.mark.parametrize(
    ("fault", "attempts", "scheduled", "passing"),
    [
        (MissingDataError("late"), 1, True, True),
        (MissingDataError("late"), 1, False, False),
        (InvalidDataError("bad"), 1, True, False),
        (ConfigurationError("bad"), 1, True, False),
        (OSError(5, "Input/output error"), 2, False, True),
        (OSError(5, "Input/output error"), 3, False, False),
        (OSError(28, "No space left on device"), 1, True, False),
        (ValueError("ours"), 1, True, False),
    ],
)
def test_retried_errors(fault: Exception, attempts: int, scheduled: bool, passing: bool) -> None:
    assert is_passing(fault, attempts=attempts, scheduled=scheduled) is passing


def test_a_cycle_waits_as_long_as_its_schedule_says() -> None:
    assert delays_until(0) == [10, 60, 600]
    delays = delays_until(6)
    assert delays[:4] == [10, 60, 600, 600]
    assert abs(sum(delays) - 6 * 3600) <= 300


def _diverge(*_: object) -> bool:
    raise InvalidDataError("members: expected finite values, found NaN")


def _one_plot(run: Path, **_: object) -> list[Path]:
    from PIL import Image

    path = run / "plots" / "one.png"
    Image.new("RGB", (4, 4)).save(path)
    return [path]
