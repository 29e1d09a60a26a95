"""A second process draws a part of the figures; without it, or once it is killed, all are drawn here."""

import os
import signal
import subprocess
import sys
import time
from contextvars import Context
from functools import partial
from pathlib import Path

import psutil
import pytest

from forecast.products.files.runs import RunDirectory
from forecast.products.plots.pictures import plot_run
from forecast.products.plots.second_process import all_drawn, drawing_beside
from forecast.system.products import Point

SCRIPT = """
import time
from forecast.products.plots.second_process import drawing_beside

if __name__ == "__main__":
    with drawing_beside():
        print("begun", flush=True)
        time.sleep(600)
"""


def process_of(number: int) -> Path:
    """Return the process that draws, once both have had time to begin."""
    time.sleep(0.3)
    return Path(f"{number}-{os.getpid()}")


def killed_elsewhere(here: int, mark: Path) -> Path:
    if os.getpid() != here:
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)  # the other one has time to begin
    return Path(str(os.getpid()))


@pytest.fixture(scope="module")
def second_process():
    with drawing_beside():
        all_drawn([partial(process_of, 0), partial(process_of, 1)])  # it has begun, and imported
        yield


def test_without_a_second_process_all_is_drawn_here():
    assert {path.name.split("-")[1] for path in all_drawn([partial(process_of, 0)])} == {str(os.getpid())}


@pytest.mark.usefixtures("second_process")
def test_two_processes_draw_in_the_order_that_is_asked_for():
    children = psutil.Process().children()
    with drawing_beside():
        assert psutil.Process().children() == children  # within such a block it is the same process
    drawn = [path.name.split("-") for path in all_drawn([partial(process_of, number) for number in range(6)])]
    assert [int(number) for number, _ in drawn] == list(range(6))
    processes = {int(process) for _, process in drawn}
    assert len(processes) == 2
    assert os.getpid() in processes


@pytest.mark.usefixtures("second_process")
def test_it_draws_the_same_figures(tmp_path, synthetic):
    runs = [RunDirectory(tmp_path / name, "demo", synthetic.INIT_TIME) for name in ("both", "alone")]
    for run in runs:
        synthetic.write_forecast(run.forecast, channels=("z500", "t2m"), members=4, leads=2)
    draw = partial(plot_run, title="Demo", simulated=True, points=(Point(name="Oslo", latitude=59.9, longitude=10.7),))
    both, alone = draw(runs[0].path), Context().run(draw, runs[1].path)
    assert [path.name for path in both] == [path.name for path in alone]
    assert [path.read_bytes() for path in both] == [path.read_bytes() for path in alone]


@pytest.mark.usefixtures("second_process")
def test_what_a_killed_process_leaves_is_drawn_here(tmp_path):
    figure, here = partial(killed_elsewhere, os.getpid(), tmp_path / "killed"), Path(str(os.getpid()))
    assert all_drawn([figure] * 3) == [here] * 3
    assert (tmp_path / "killed").exists()
    assert all_drawn([figure] * 2) == [here] * 2


def test_it_ends_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "begun\n"
        children = psutil.Process(parent.pid).children()
        assert children
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive
