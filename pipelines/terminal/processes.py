"""One command as several processes that work together: on one machine, without torchrun.

The processes learn who they are from the same variables of the environment that torchrun sets. The first of them
speaks; what the others have to say is shown only when one of them fails.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from itertools import pairwise
from typing import IO

from data_catalog.errors import ConfigurationError
from pipelines.terminal.exit_status import TRY_LATER, USERS_FAULT

SHARED_COMMANDS = ("train", "forecast")
"""Commands whose work several processes share."""
_SECONDS_BETWEEN_LOOKS = 0.1
_GRACE_SECONDS = 5.0
_LAUNCHED = "PLUMECAST_LAUNCHED"
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def launch(words: Sequence[str], processes: int) -> int:
    """Run a command as several processes.

    Args:
        words: Of the command line, after the program's name; without `--processes`.
        processes: How many.

    Returns:
        Exit status of the first process, or of the one that failed.

    Raises:
        ConfigurationError: This is one of several processes already.
    """
    if "WORLD_SIZE" in os.environ:
        raise ConfigurationError("--processes: expected a process of its own, found one that torchrun started")
    shared = {
        _LAUNCHED: "1",
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, _cores() // processes))),
    }
    with ExitStack() as stack:
        errors: list[IO[bytes] | None] = [None]
        errors += [stack.enter_context(tempfile.TemporaryFile()) for _ in range(1, processes)]
        started = [
            stack.enter_context(_start(words, shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, error))
            for rank, error in enumerate(errors)
        ]
        stack.callback(_end, started)
        failed = _first_failure(started)
        if failed is None:
            return 0
        _end(started, _GRACE_SECONDS)
        return _told(_cause(failed, [process.returncode for process in started]), started, errors)


def die_with_launcher() -> None:
    """Let this process end when its launcher does, however that ends; nothing where it was not launched."""
    if _LAUNCHED in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)


def without_processes(words: Sequence[str]) -> list[str]:
    """Words of a command line less the option `--processes` and its value."""
    kept = [word for before, word in pairwise(["", *words]) if before != "--processes"]
    return [word for word in kept if word != "--processes" and not word.startswith("--processes=")]


def check_shared(command: str | None) -> None:
    """Refuse a command that several processes would each do in full.

    Raises:
        ConfigurationError: There are several, and the command knows nothing of the others.
    """
    processes = os.environ.get("WORLD_SIZE", "1")
    if processes != "1" and command not in SHARED_COMMANDS:
        raise ConfigurationError(f"{command}: expected a lone process, found one of {processes} (WORLD_SIZE)")


def _start(words: Sequence[str], variables: dict[str, str], error: IO[bytes] | None) -> subprocess.Popen[bytes]:
    output = None if error is None else subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603  # this interpreter, and the words that this process was given itself
        [sys.executable, "-m", "pipelines", *words], env=os.environ | variables, stdout=output, stderr=error
    )


def _first_failure(started: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """Number of the first process that fails; None once all are done."""
    while True:
        states = [process.poll() for process in started]
        for rank, state in enumerate(states):
            if state:
                return rank
        if None not in states:
            return None
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _cause(failed: int, statuses: Sequence[int]) -> int:
    """Number of the process whose failure is the cause.

    Args:
        failed: The one that was seen first; another may have failed before, and this one for want of it.
        statuses: How each ended; negative by a signal.
    """
    told = [rank for rank, status in enumerate(statuses) if status in (USERS_FAULT, TRY_LATER)]
    gave_up = statuses[failed] == -signal.SIGABRT  # as a process does whose connection is closed
    own = [rank for rank, status in enumerate(statuses) if gave_up and status > 0]
    return next(iter(told or own), failed)


def _end(started: Sequence[subprocess.Popen[bytes]], grace_seconds: float = 0.0) -> None:
    """End the processes that are still there, after some time in which they may do so by themselves."""
    _wait(started, grace_seconds)
    for process in started:
        process.terminate()
    _wait(started, _GRACE_SECONDS)
    for process in started:
        process.kill()
    for process in started:
        process.wait()


def _wait(started: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    until = time.monotonic() + seconds
    for process in started:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, until - time.monotonic()))


def _told(failed: int, started: Sequence[subprocess.Popen[bytes]], errors: Sequence[IO[bytes] | None]) -> int:
    """Say why it failed, unless the first process has said the same.

    Returns:
        The exit status.
    """
    status, error = started[failed].returncode, errors[failed]
    if status < 0:
        print(f"plumecast: process {failed} of {len(started)} was ended by signal {-status}", file=sys.stderr)
        return 1
    if error is not None and started[0].returncode != status:
        error.seek(0)
        sys.stderr.write(error.read().decode(errors="replace"))
    return int(status)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
