"""Kill writers of a score archive beside one that goes on, and see that nothing is lost or there twice.

    python -m tests.forecast.verification.archive.killed_writers DIRECTORY KILLS

It forks, so tests run it in a process of its own: one that inherits the threads and exit handlers of other tests may
end with status 1 though its work is done.
"""

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from forecast.verification.archive.archive import append_cycle, open_score_archive
from forecast.verification.evaluation import cycle_sums
from forecast.verification.regions import region_weights

START = np.datetime64("2008-01-01T00:00", "ns")
DAY = np.timedelta64(1, "D")


def make_sums() -> xr.DataArray:
    """The sums of a small cycle; always the same."""
    values = np.random.default_rng(0).gamma(2.0, size=(5, 1, 6, 8))
    places = {
        "lead_time": [np.timedelta64(24, "h").astype("timedelta64[ns]")],
        "latitude": np.linspace(-75, 75, 6),
        "longitude": np.arange(0, 360, 45.0),
    }
    field = xr.DataArray(values, dims=("member", *places), coords=places, attrs={"units": "K"})
    weights = region_weights(field["latitude"], field["longitude"])
    forecast, analysis = (xr.Dataset({"msl": one}) for one in (field[1:], field[0]))
    return cycle_sums(forecast, analysis, weights).isel(region=[0])


class Writers:
    """Processes that append the same cycles to one archive, and a log of what each has added."""

    def __init__(self, directory: Path) -> None:
        self.archive, self.stop = directory / "archive", directory / "stop"
        self._log = directory / "log"
        self._log.touch()
        self._sums = make_sums()

    def words(self) -> list[str]:
        """What the log says: `ready` of each writer that has begun, and the number of each cycle that was added."""
        return self._log.read_text().split()

    def added(self) -> list[int]:
        """Numbers of the cycles that writers say they have added."""
        return [int(word) for word in self.words() if word != "ready"]

    def start(self) -> int:
        """Fork a writer that begins at the last cycle; return its process id once it is at work."""
        ready, first = self.words().count("ready"), max(self.added(), default=0)
        child = os.fork()
        if child == 0:
            _in_child(lambda: self._write(first))
        wait_for(lambda: self.words().count("ready") > ready)
        return child

    def _write(self, first: int) -> None:
        log = os.open(self._log, os.O_WRONLY | os.O_APPEND)
        os.write(log, b"ready\n")
        for index in range(first, 100_000):
            if self.stop.exists():
                return
            if append_cycle(self.archive, "plumecast", START + index * DAY, self._sums):
                os.write(log, f"{index}\n".encode())

    def check(self, kills: int) -> None:
        """Check that every cycle is there once and whole, and was added by one writer."""
        added = self.added()
        assert len(added) == len(set(added)) > kills, added
        archived = open_score_archive(self.archive)["sums"]
        days = ((archived["init_time"].values - START) / DAY).astype(int).tolist()
        assert days == list(range(len(days))), days
        assert set(added) <= set(days), set(added) - set(days)
        assert len(days) - len(added) <= kills, (len(days), len(added))
        assert len(list(self.archive.glob("*/[!.]*"))) == len(days)
        for index in range(archived.sizes["init_time"]):
            np.testing.assert_array_equal(archived.isel(init_time=index, forecaster=0).values, self._sums.values)


def wait_for(is_true: Callable[[], bool]) -> None:
    """Wait until something is true, for two minutes at most."""
    deadline = time.monotonic() + 120
    while not is_true():
        assert time.monotonic() < deadline, "waited for two minutes"
        time.sleep(0.001)


def _in_child(work: Callable[[], None]) -> None:
    """Work, and end this process at once; what went wrong is on stderr."""
    try:
        work()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _ended_with(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(directory: Path, kills: int) -> None:
    """Kill so many writers, one after the other."""
    writers, chance = Writers(directory), random.Random(0)
    survivor = writers.start()
    for _ in range(kills):
        victim, before = writers.start(), len(writers.added())
        wait_for(lambda before=before: len(writers.added()) > before)  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.05))
        os.kill(victim, signal.SIGKILL)
        ended = _ended_with(victim)
        assert ended == -signal.SIGKILL, f"the writer ended by itself with status {ended}"
    writers.stop.touch()
    ended = _ended_with(survivor)
    assert ended == 0, f"the survivor ended with status {ended}"
    writers.check(kills)
    print(kills)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
