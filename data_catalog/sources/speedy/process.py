"""Starts the climate model in a process of its own, by a Python of its own if need be, and follows it piece by piece.

jcm brings JAX and a hundred other packages. `PLUMECAST_SPEEDY_PYTHON` names a Python where it is installed; without it,
the Python of this process is used.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from data_catalog.errors import ConfigurationError, InvalidDataError, UnreachableError
from data_catalog.storage.atomic_files import disk_errors

PYTHON_VARIABLE = "PLUMECAST_SPEEDY_PYTHON"
"""Environment variable: a Python that has jcm."""
PROGRAM = Path(__file__).parent / "program" / "simulator.py"
_NOT_FINITE = 4
_SECONDS_TO_END = 10
_LOG_FILE = "simulator.log"
_SETTINGS = {
    "JAX_PLATFORMS": "cpu",
    # One thread: sums are then taken in one order, so that the same state always leads to the same values.
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}


def simulator_python() -> str:
    """Return the Python that the model runs in.

    Raises:
        ConfigurationError: None is named and jcm is not installed beside Plumecast.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    if named or find_spec("jcm") is not None:
        return named or sys.executable
    raise ConfigurationError(
        f"speedy: expected jcm to simulate with, found none; install it with: pip install 'plumecast[speedy]', or name "
        f"in {PYTHON_VARIABLE} the Python of another environment where it is installed"
    )


def run_simulator(folder: Path, first: int, last: int, kept: int) -> Iterator[int]:
    """Run the model, and yield the number of each piece when it is on disk.

    Args:
        folder: Of the simulation.
        first: Piece to start with, from its state, or from rest for 0.
        last: Last piece.
        kept: First piece whose fields are written.

    Raises:
        ConfigurationError: The model is not installed where it is looked for.
        InvalidDataError: Values are no longer finite.
        UnreachableError: The process ended early; run it again to go on.
    """
    python, done = simulator_python(), first - 1
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        log = (folder / _LOG_FILE).open("wb")
    words = [python, str(PROGRAM), str(folder), *map(str, (first, last, kept))]
    with log, _started(words, folder, log.fileno()) as process:
        assert process.stdout is not None
        for line in process.stdout:
            done = _number(line, folder)
            yield done
        status = process.wait()
    if status or done != last:
        raise _failure(folder, status, done)


@contextmanager
def _started(words: list[str], folder: Path, log: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the model; it ends when this process does, as its input ends then."""
    settings = {**_SETTINGS, "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")}
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        process = subprocess.Popen(  # noqa: S603  # the Python that the user names
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env={**settings, **own}
        )
    except OSError as error:
        raise ConfigurationError(f"{PYTHON_VARIABLE}: expected a Python with jcm, found {words[0]}: {error}") from None
    with process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process that is still running."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()


def _number(line: bytes, folder: Path) -> int:
    try:
        return int(json.loads(line)["piece"])
    except (ValueError, KeyError, TypeError):
        raise InvalidDataError(f"{folder}: expected a line of JSON with a piece, found {line[:80]!r}") from None


def _failure(folder: Path, status: int, done: int) -> Exception:
    lines = (folder / _LOG_FILE).read_text(errors="replace").strip().splitlines() or ["nothing"]
    said = lines[-1][:300]
    if status == _NOT_FINITE:
        return InvalidDataError(f"{folder}: expected finite values, found otherwise: {said}")
    if said.startswith(("ModuleNotFoundError", "ImportError")):
        return ConfigurationError(f"{PYTHON_VARIABLE}: expected a Python with jcm, found one without: {said}")
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
    return UnreachableError(
        f"{folder}: expected the simulation to go on after piece {done}, found it ended by {how} ({said}); run it "
        "again to go on from there"
    )
