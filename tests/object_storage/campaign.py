"""Kill processes that copy runs to object storage at random moments, while a reader polls all the time.

    python -m tests.object_storage.campaign --kills 100

Each round publishes a run on disk for the first time or again, and copies it in processes that are killed with -9 at
random moments, some three of them; mostly one more copies the rest, sometimes the next generation overtakes it. After
each copy that was left alone, the run is proven, and copying it again must do nothing. At the end, what no manifest
names is swept. The server is moto's, on this machine.
"""

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np

from data_catalog.storage.folder import Folder
from data_catalog.storage.folders import folder_at
from forecast.products.files.manifest import Contents, extend_manifest, write_manifest
from forecast.products.files.runs import RunDirectory
from forecast.products.files.stored_runs import generation_of
from pipelines.operations import publication
from pipelines.runs.copying import RunCopy, copy_run
from tests.object_storage.reader import SYSTEM, fault_of
from tests.object_storage.server import environment, make_bucket, s3_server

_PROCESSES = multiprocessing.get_context("forkserver")
"""A copy begins at once: it is forked from a process that has imported everything and uses no store."""
_PROCESSES.set_forkserver_preload(["pipelines.operations.publication"])
T = TypeVar("T")
_UNFINISHED_SHARE = 0.25
_MOST_KILLS_A_ROUND = 3
_CARELESS_S = 1.0


@dataclass(frozen=True)
class Outcome:
    """What came of a campaign.

    Attributes:
        kills: Processes that were killed before they were done.
        early: Processes that were done before they were to be killed.
        rounds: Publications.
        swept: Files of killed copies that were swept at the end.
        reader: What the reader saw.
        faults: What should not be.
    """

    kills: int
    early: int
    rounds: int
    swept: int
    reader: Mapping[str, int]
    faults: tuple[str, ...]


def publish_on_disk(runs: Path, number: int, generator: random.Random) -> RunDirectory:
    """Publish the run of a day on disk, or publish the last one again with another page and scores.

    Args:
        runs: Directory of all runs.
        number: Number of the round; every second one publishes again.
        generator: Makes the contents.
    """
    run = RunDirectory(runs, SYSTEM, np.datetime64("2008-01-01", "ns") + np.timedelta64(number // 2, "D"))
    if number % 2:
        run.report.write_bytes(generator.randbytes(20_000))
        run.scores.write_bytes(generator.randbytes(3_000))
        extend_manifest(run.path, [run.report, run.scores])
        return run
    run.plots.mkdir(parents=True)
    run.forecast.write_bytes(generator.randbytes(1_000_000))
    run.products.write_bytes(generator.randbytes(50_000))
    run.report.write_bytes(generator.randbytes(20_000))
    for plot in range(5):
        (run.plots / f"{plot}.png").write_bytes(generator.randbytes(10_000))
    kept = Contents(members=(0,), lead_hours=(24,))
    write_manifest(run, system_hash="a", model_id="b", data_hash="c", seeds={"0": "0"}, expected=kept, delivered=kept)
    return run


def careless_copy(folder: Folder, run: RunDirectory) -> bool:
    """Copy a run, but publish it before its files are there: the reader must find that out."""
    hasty = RunCopy(folder, run, run.manifest.read_bytes())
    hasty.publish()
    time.sleep(_CARELESS_S)
    return hasty.send_files()


@dataclass(frozen=True)
class Store:
    """Where runs are copied to, in processes of their own.

    Attributes:
        address: Address of the S3 server.
        url: Where runs are published.
        copying: What copies a run.
    """

    address: str
    url: str
    copying: Callable[[Folder, RunDirectory], bool] = copy_run

    def copy(self, run: RunDirectory, kill_after_s: float | None = None) -> tuple[bool, float]:
        """Copy a run; return whether the process was killed, and the seconds that it took.

        Args:
            run: The run.
            kill_after_s: When to kill it; None to leave it alone.
        """
        process, started = _PROCESSES.Process(target=self._copy, args=(run,)), time.monotonic()
        process.start()
        process.join(kill_after_s)
        if killed := process.is_alive():
            process.kill()
            process.join()
        assert killed or process.exitcode == 0, f"the copy ended with {process.exitcode}"
        return killed, time.monotonic() - started

    def asked(self, question: Callable[..., T], *about: object) -> T:
        """Return the answer of a function that uses the folder, from a process of its own."""
        answers = _PROCESSES.SimpleQueue()
        process = _PROCESSES.Process(target=self._answer, args=(answers, question, *about))
        process.start()
        process.join()
        assert process.exitcode == 0, f"{question.__name__} ended with {process.exitcode}"
        answer: T = answers.get()
        return answer

    def _folder(self) -> Folder:
        os.environ.update(environment(self.address))
        return folder_at(self.url)

    def _copy(self, run: RunDirectory) -> None:
        self.copying(self._folder(), run)

    def _answer(
        self, answers: "multiprocessing.queues.SimpleQueue[T]", question: Callable[..., T], *about: object
    ) -> None:
        answers.put(question(self._folder(), *about))


def faults_of_copy(folder: Folder, run: RunDirectory) -> list[str]:
    """Return what is wrong with a run that was copied; copying it again must do nothing."""
    cycle, manifest = run.path.name, run.manifest.read_bytes()
    content, latest = folder.read(f"{SYSTEM}/{cycle}/manifest.json"), folder.read(f"{SYSTEM}/latest.json")
    faults = [] if content and content.body == manifest else [f"{cycle}: another manifest"]
    faults += [fault for fault in [fault_of(folder, cycle, manifest)] if fault]
    if latest is None or json.loads(latest.body)["files"] != f"{cycle}/{generation_of(manifest)}":
        faults.append(f"{cycle}: latest.json names another run")
    before = folder.listing()
    if copy_run(folder, run) or before != folder.listing():
        faults.append(f"{cycle}: copied again")
    return faults


def sweep_all(folder: Folder) -> tuple[int, list[str]]:
    """Sweep all that no manifest names; return how many files it were, and what is wrong afterwards."""
    with patch.object(publication, "_is_old", lambda stored: True):
        swept = publication.sweep_stored(folder, folder.listing())
        left = publication.sweep_stored(folder, folder.listing())
    faults = [f"{left} files left after a sweep"] if left else []
    for name in sorted({stored.name.split("/")[1] for stored in folder.listing() if stored.name.count("/") > 1}):
        content = folder.read(f"{SYSTEM}/{name}/manifest.json")
        if content is None or (fault := fault_of(folder, name, content.body)):
            faults.append(f"swept too much, or too little: {fault if content else name}")
    return swept, faults


@contextmanager
def _polled(store: Store, place: Path, found: dict[str, Any]) -> Iterator[None]:
    """Let a reader poll while the block runs."""
    stop = place / "stop"
    command = [sys.executable, "-m", "tests.object_storage.reader", store.url, str(stop)]
    variables = {**os.environ, **environment(store.address)}
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
    try:
        while not stop.with_name("stop.ready").exists():
            assert reader.poll() is None, "the reader ended before it began"
            time.sleep(0.05)
        yield
        stop.touch()
        output, _ = reader.communicate(timeout=120)
        found.update(json.loads(output))
    finally:
        reader.kill()
        reader.wait()


def campaign(
    kills: int, seed: int, place: Path, address: str, *, copying: Callable[[Folder, RunDirectory], bool] = copy_run
) -> Outcome:
    """Kill copies until there are so many kills.

    Args:
        kills: Number of processes to kill.
        seed: Seed of the moments and the contents.
        place: Directory for the runs.
        address: Address of an S3 server.
        copying: What copies a run.
    """
    generator, found, faults = random.Random(seed), dict[str, Any](), list[str]()
    store = Store(address, f"{make_bucket(address, f'campaign-{seed}-{uuid.uuid4().hex}')}/forecasts", copying)
    killed = early = 0
    number = 1
    store.copy(publish_on_disk(place / "runs", 0, generator))  # takes longer: everything is imported
    typical_s = store.copy(publish_on_disk(place / "runs", 1, generator))[1]
    with _polled(store, place, found):
        while killed < kills:
            number += 1
            run = publish_on_disk(place / "runs", number, generator)
            for _ in range(min(generator.randint(1, _MOST_KILLS_A_ROUND), kills - killed)):
                was_killed, _ = store.copy(run, kill_after_s=generator.uniform(0, 1.1 * typical_s))
                killed, early = killed + was_killed, early + (not was_killed)
            if killed < kills and generator.random() < _UNFINISHED_SHARE:
                continue
            typical_s = 0.8 * typical_s + 0.2 * store.copy(run)[1]
            faults += store.asked(faults_of_copy, run)
    swept, left = store.asked(sweep_all)
    seen = {name: int(found[name]) for name in ("looks", "whole", "generations")}
    return Outcome(killed, early, number + 1, swept, seen, (*faults, *left, *map(str, found["bad"])))


def main() -> int:
    """Run a campaign and print what came of it; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, s3_server() as address:
        outcome = campaign(options.kills, options.seed, Path(place), address)
    print(
        f"{outcome.kills} processes killed while they copied ({outcome.early} were done before), {outcome.rounds} "
        f"publications, {outcome.swept} files of replaced or killed copies swept; the reader looked "
        f"{outcome.reader['looks']} times, read {outcome.reader['whole']} whole runs of "
        f"{outcome.reader['generations']} generations; {len(outcome.faults)} faults"
    )
    for fault in outcome.faults:
        print(f"  {fault}")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
