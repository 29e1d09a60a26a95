"""A process that was started from another ends with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.terminal.tied import die_with_launcher

STARTER = """
import os, subprocess, sys, time
from pipelines.terminal.tied import launcher_variable, tied_command
child = subprocess.Popen(
    tied_command(["http.server", "--bind", "127.0.0.1", sys.argv[1]]), env=os.environ | launcher_variable(),
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
print(child.pid, flush=True)
time.sleep(600)
"""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def _until(condition: object, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


@linux_only
def test_a_killed_process_leaves_no_server_behind() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER, "0"], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        child = int(starter.stdout.readline())
        assert _until(lambda: "pipelines.terminal.tied" not in _command_of(child)), "it became the other program"
        assert "http.server" in _command_of(child)
        starter.send_signal(signal.SIGKILL)
    assert _until(lambda: not _runs(child))


def test_a_process_without_launcher_is_left_alone() -> None:
    die_with_launcher()


@linux_only
def test_a_launcher_that_is_gone_already_ends_the_process() -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "from pipelines.terminal.tied import die_with_launcher as d; d(); print('lived')"],
        env=os.environ | {"PLUMECAST_LAUNCHED": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (gone.returncode, gone.stdout) == (-signal.SIGTERM, "")
