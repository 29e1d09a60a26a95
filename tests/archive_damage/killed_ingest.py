"""Kill an ingest at each of its steps in turn, and after each killing read the archive and ingest again.

    python -m tests.archive_damage.killed_ingest DIRECTORY FIRST STRIDE

Kills at step FIRST, FIRST + STRIDE and so on to the end (1 1 tries every step, in some minutes). Prints the number of
killings, and ends in an error at the first archive that is not sound. It forks: tests run it in a process of its own.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.errors import MissingDataError
from tests.archive_damage.tiny import ENTRY, PARTS, TIMES, make_analysis, small_blocks


def _kill_at(step: int) -> None:
    """Kill this process just before or after a given one of the steps that make data durable."""
    count = 0
    for name in ("fsync", "replace", "ftruncate"):
        original = getattr(os, name)

        def counted(*arguments: object, original: object = original) -> object:
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments)  # type: ignore[operator]

        setattr(os, name, counted)


def _ingest_all(path: Path) -> str:
    identity = ""
    for start, stop in PARTS:
        identity = ingest(ENTRY, make_analysis().isel(time=slice(start, stop)), path).identity
    return identity


def _check(path: Path) -> None:
    """Check that all archived values are bit-identical to the source, and complete up to some time."""
    try:
        found = open_archive(path).load()
    except MissingDataError:
        return
    expected = make_analysis().sel(time=found["time"])
    for name in ("msl", "t2m", "lsm"):
        assert found[name].values.tobytes() == expected[name].values.tobytes(), name
    assert (np.diff(found["time"].values) == np.timedelta64(1, "D")).all()
    assert inspect_archive(path, deep=True).faults == ()


def _forked(function: object, *arguments: object) -> int:
    child = os.fork()
    if child == 0:
        try:
            function(*arguments)  # type: ignore[operator]
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def _killed(path: Path, step: int) -> None:
    _kill_at(step)
    _ingest_all(path)


def _survivor(path: Path, reference: Path) -> None:
    _check(path)
    resumed = _ingest_all(path)
    _check(path)
    assert len(inspect_archive(path).times) == len(TIMES)
    assert resumed == inspect_archive(reference).identity
    assert not list(path.rglob("*unfinished*"))
    assert not path.with_name(f".{path.name}.partial").exists()


def main(directory: Path, first: int, stride: int) -> None:
    small_blocks()
    reference = directory / "whole.zarr"
    assert _forked(_ingest_all, reference) == 0
    killed = 0
    step = first
    while True:
        path = directory / f"killed_{step}.zarr"
        status = _forked(_killed, path, step)
        if status == 0:
            break  # the ingest finished: there are no more steps
        assert os.WTERMSIG(status) == signal.SIGKILL, f"step {step}: ended with {status}"
        assert _forked(_survivor, path, reference) == 0, f"step {step}: not sound after the kill"
        killed += 1
        step += stride
    print(killed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
