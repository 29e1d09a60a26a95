"""A run is replaced in one step, and what killed processes left is swept away."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from data_catalog.storage.locks import lock
from forecast.products.files.runs import RunDirectory
from pipelines.runs import staging
from pipelines.runs.sweep import sweep

INIT = np.datetime64("2008-01-10", "ns")
REPUBLISHING = """
import sys
from pathlib import Path
from tests.pipelines.runs.test_staging import publish_again, run_in
run = run_in(Path(sys.argv[1]))
while True:
    publish_again(run)
"""


def run_in(place: Path) -> RunDirectory:
    return RunDirectory(place, "tiny", INIT)


def publish_again(run: RunDirectory) -> None:
    stage = staging.begin(run)
    stage.manifest.write_text("{}")
    staging.publish(run)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    publish_again(run_in(tmp_path))
    return run_in(tmp_path)


def without_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "exchange", lambda *_: False)


def test_a_reader_finds_a_run_at_any_moment(run: RunDirectory) -> None:
    stopped, seen = time.monotonic() + 1.0, 0
    with subprocess.Popen([sys.executable, "-c", REPUBLISHING, str(run.root)]) as process:
        before = run.path.stat().st_ino
        while process.poll() is None and (time.monotonic() < stopped or seen < 20):
            seen += before != (before := run.path.stat().st_ino)
            assert run.path.is_dir()
        assert process.poll() is None
        process.kill()
    assert run.manifest.read_text() == "{}"
    assert seen >= 20  # republished that often, while it was looked for


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_publication_leaves_a_run_and_is_swept(run: RunDirectory, seed: int) -> None:
    with subprocess.Popen([sys.executable, "-c", REPUBLISHING, str(run.root)]) as process:
        before = run.path.stat().st_ino
        while run.path.stat().st_ino == before:
            time.sleep(0.001)
        time.sleep(np.random.default_rng(seed).uniform(0, 0.02))
        process.kill()
    assert run.manifest.exists()
    sweep(run.root, "tiny")
    assert run.manifest.exists()
    assert not list(staging.staged(run).path.parent.iterdir())


def test_without_an_exchange_a_run_set_aside_is_restored(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    without_exchange(monkeypatch)
    publish_again(run)
    assert run.manifest.exists()
    _, previous, *_ = staging.working_directories(run)
    run.path.rename(previous)  # as a kill between the two renames leaves it
    sweep(run.root, "tiny")
    assert run.manifest.exists()
    assert not previous.exists()


def test_an_unfinished_forecast_keeps_what_it_continues_from(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    staging.begin(run)
    staging.states_directory(run, "request").mkdir(parents=True)
    sweep(run.root, "tiny")
    assert staging.states_directory(run, "request").is_dir()


def test_a_run_that_is_being_made_again_is_left_alone(run: RunDirectory) -> None:
    with lock(staging.lock_path(run), "it"):
        staging.begin(run)
        sweep(run.root, "tiny")
        assert staging.staged(run).path.is_dir()


def test_there_may_be_nothing_to_sweep(tmp_path: Path) -> None:
    sweep(tmp_path, "tiny")
    assert not list(tmp_path.iterdir())
