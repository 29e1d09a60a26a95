"""Runs one command as several processes on one machine that divide its work, without torchrun.

Each process reads its rank from the same environment variables that torchrun sets. The first process prints; output of
the others is shown only if one of them fails.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import IO

from data_catalog.cores import usable_cores
from data_catalog.errors import ConfigurationError
from pipelines.terminal.exit_status import TRY_LATER, USERS_FAULT
from pipelines.terminal.tied import launcher_variable

SHARED_COMMANDS = ("train", "forecast")
"""Commands whose work several processes that start together can divide."""
_SECONDS_BETWEEN_LOOKS = 0.1
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """How one of several processes ended.

    Attributes:
        status: Its exit status; minus the signal number if a signal ended it.
        text: What it wrote on standard output.
    """

    status: int
    text: str


def launch(words: Sequence[str], processes: int) -> int:
    """Run a command as several processes, and wait for them.

    Args:
        words: The command line after the name of the program, without `--processes`.
        processes: Number of processes.

    Returns:
        0, or the exit status of the process that failed first.

    Raises:
        ConfigurationError: This process is itself one of several.
    """
    shared = _shared_variables(processes)
    with ExitStack() as stack:
        errors: list[IO[bytes] | None] = [None]
        errors += [stack.enter_context(tempfile.TemporaryFile()) for _ in range(1, processes)]
        started = [
            stack.enter_context(_start(["pipelines", *words], shared, rank, output=_output_of(rank), error=error))
            for rank, error in enumerate(errors)
        ]
        stack.callback(_end, started)
        failed = _first_failure(started)
        if failed is None:
            return 0
        _end(started, _GRACE_SECONDS)
        return _report(_cause(failed, [process.returncode for process in started]), started, errors)


def ask_processes(module: str, request: str, processes: int) -> list[Answer]:
    """Run a module as several processes, each of which reads the same request on standard input, and wait for them.

    Their standard error is that of this process. Once one fails, the others are ended.

    Args:
        module: Name of the module; it calls `die_with_launcher` first.
        request: What they read.
        processes: Number of processes.

    Returns:
        How each ended, by rank.

    Raises:
        ConfigurationError: This process is itself one of several.
    """
    shared = _shared_variables(processes)
    with ExitStack() as stack:
        answers = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(processes)]
        started = []
        for rank, answer in enumerate(answers):
            process = stack.enter_context(_start([module], shared, rank, asked=subprocess.PIPE, output=answer))
            stack.callback(_end, [process])  # also those that were started before one that cannot be
            started.append(process)
        for process in started:
            _tell(process, request)
        if _first_failure(started) is not None:
            _end(started, _GRACE_SECONDS)
        return [Answer(process.returncode, _text(answer)) for process, answer in zip(started, answers, strict=True)]


def _tell(process: subprocess.Popen[bytes], request: str) -> None:
    """Write on the standard input of a process, which may have ended already."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(request.encode())
    with suppress(BrokenPipeError):
        process.stdin.close()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _output_of(rank: int) -> int | None:
    """Only the first process of a command prints."""
    return None if rank == 0 else subprocess.DEVNULL


def without_processes(words: Sequence[str]) -> list[str]:
    """Return a command line without the option `--processes` and its value."""
    kept = [word for before, word in pairwise(["", *words]) if before != "--processes"]
    return [word for word in kept if word != "--processes" and not word.startswith("--processes=")]


def check_shared(command: str | None) -> None:
    """Raise an error if a command runs in several processes but cannot divide its work among them.

    Args:
        command: Name of the command.

    Raises:
        ConfigurationError: There are several processes, and the command cannot divide its work.
    """
    processes = os.environ.get("WORLD_SIZE", "1")
    if processes != "1" and command not in SHARED_COMMANDS:
        raise ConfigurationError(f"{command}: expected a single process, found one of {processes} (WORLD_SIZE)")


def _shared_variables(processes: int) -> dict[str, str]:
    if "WORLD_SIZE" in os.environ:
        raise ConfigurationError("--processes: expected a process outside torchrun, found one that torchrun started")
    return launcher_variable() | {
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, usable_cores() // processes))),
    }


def _start(
    words: Sequence[str],
    shared: dict[str, str],
    rank: int,
    *,
    asked: int | None = None,
    output: IO[bytes] | int | None = None,
    error: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    variables = shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    command = [sys.executable, "-m", *words]
    return subprocess.Popen(command, env=os.environ | variables, stdin=asked, stdout=output, stderr=error)  # noqa: S603


def _first_failure(started: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """Wait, and return the number of the first process that fails; None if all succeed."""
    while True:
        states = [process.poll() for process in started]
        for rank, state in enumerate(states):
            if state:
                return rank
        if None not in states:
            return None
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _cause(failed: int, statuses: Sequence[int]) -> int:
    """Return the number of the process whose failure made the others fail.

    Args:
        failed: Number of the process that was first seen to have failed; another may have failed before it.
        statuses: Exit status of each process; minus the signal number if a signal ended it.
    """
    explained = [rank for rank, status in enumerate(statuses) if status in (USERS_FAULT, TRY_LATER)]
    gave_up = statuses[failed] == -signal.SIGABRT  # typical of a process that lost its connection to another
    own = [rank for rank, status in enumerate(statuses) if gave_up and status > 0]
    return next(iter(explained or own), failed)


def _end(started: Sequence[subprocess.Popen[bytes]], grace_seconds: float = 0.0) -> None:
    """End the processes that still run, after a grace period."""
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


def _report(failed: int, started: Sequence[subprocess.Popen[bytes]], errors: Sequence[IO[bytes] | None]) -> int:
    """Print why a process failed, unless the first process has printed the same; return the exit status."""
    status, error = started[failed].returncode, errors[failed]
    if status < 0:
        print(f"plumecast: process {failed} of {len(started)} was ended by signal {-status}", file=sys.stderr)
        return 1
    if error is not None and started[0].returncode != status:
        sys.stderr.write(_text(error))
    return int(status)


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
