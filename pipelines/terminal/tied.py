"""Processes that end when the process that started them ends, however that comes about.

As a program, `python -m pipelines.terminal.tied MODULE [WORD...]`, it ties itself, then becomes another Python program.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_LAUNCHER = "PLUMECAST_LAUNCHED"
"""Environment variable with the process id of the launcher."""
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2), which outlives exec


def launcher_variable() -> dict[str, str]:
    """Return the environment variable by which a process that is started from here knows its launcher."""
    return {_LAUNCHER: str(os.getpid())}


def die_with_launcher() -> None:
    """End this process when its launcher ends, for whatever reason; do nothing in a process without a launcher.

    Only Linux supports this; elsewhere a killed launcher leaves its processes behind.
    """
    launcher = os.environ.pop(_LAUNCHER, None)  # removed, so that child processes do not inherit it
    if launcher is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
    if os.getppid() != int(launcher):  # it ended before it could be watched
        os.kill(os.getpid(), signal.SIGTERM)


def tied_command(words: Sequence[str]) -> list[str]:
    """Return the command line of another Python program that ends with this process.

    Start it with `launcher_variable` in its environment.

    Args:
        words: Module and arguments, such as `prefect server start`.
    """
    return [sys.executable, "-m", __name__, *words]


if __name__ == "__main__":
    die_with_launcher()
    os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])  # noqa: S606  # the words of `tied_command`
