"""The climate model itself, where a Python with jcm is at hand: a killed run goes on with the same bytes."""

import os
import signal
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import UnreachableError
from data_catalog.sources.speedy.process import PYTHON_VARIABLE, run_simulator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("jcm") is None and not os.environ.get(PYTHON_VARIABLE),
        reason=f"needs jcm: pip install 'plumecast[speedy]', or a Python that has it in {PYTHON_VARIABLE}",
    ),
]
PIECES = 3


def values(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.glob("*_0*.npz")):
        with np.load(path) as saved:
            found |= {f"{path.name} {name}": saved[name].tobytes() for name in saved.files}
    return found


def killed_after(folder: Path, seconds: float) -> Callable[[], None]:
    """Kill the child processes of this one some seconds after the first piece is there."""

    def kill() -> None:
        while not (folder / "state_00001.npz").exists():
            time.sleep(0.05)
        time.sleep(seconds)
        for child in Path(f"/proc/self/task/{threading.get_native_id()}/../{os.getpid()}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)

    return kill


def test_a_killed_model_goes_on_with_the_same_bytes(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert list(run_simulator(whole, 0, PIECES - 1, 0)) == list(range(PIECES))
    killer = threading.Thread(target=killed_after(killed, 1.0))
    killer.start()
    with pytest.raises(UnreachableError, match="SIGKILL"):
        list(run_simulator(killed, 0, PIECES - 1, 0))
    killer.join()
    done = sum(1 for _ in killed.glob("state_*.npz"))
    assert 1 <= done < PIECES
    assert list(run_simulator(killed, done, PIECES - 1, 0)) == list(range(done, PIECES))
    assert values(killed) == values(whole)
    assert len(values(whole)) > 2 * PIECES * 10
