"""How much memory this process and its children hold, looked at all the time."""

import os
import threading
from pathlib import Path
from types import TracebackType

_SECONDS = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")


class Watch:
    """Looks at the memory of this process and of its children while it is entered."""

    def __init__(self) -> None:
        self.largest_child_gb = 0.0
        """Largest memory of a child, of all steps."""
        self._largest = [0.0, 0.0]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def begin(self) -> None:
        """Begin a step."""
        self._largest = [0.0, 0.0]

    def largest_gb(self) -> tuple[float, float]:
        """Largest memory since the step began: of this process, of a child."""
        own, child = self._largest
        return own, child

    def _look(self) -> None:
        while not self._ended.wait(_SECONDS):
            children = [_resident_gb(process) for process in _children()]
            self._largest[0] = max(self._largest[0], _resident_gb(os.getpid()))
            self._largest[1] = max([self._largest[1], *children])
            self.largest_child_gb = max(self.largest_child_gb, self._largest[1])


def cpu_seconds(process: int) -> float:
    """Seconds of processor time of a process so far; 0 once it is gone.

    Args:
        process: Its number.
    """
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / _TICKS


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    found: list[int] = []
    for task in tasks:
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue  # the thread has ended
    return found


def _resident_gb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("VmRSS"))
