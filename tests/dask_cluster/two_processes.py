"""Run the heavy commands with two worker processes, one of which is killed on the way, and compare with one process.

    python -m tests.dask_cluster.two_processes DIRECTORY --gigabytes 8

Makes weather and as many gigabytes of forecasts in DIRECTORY, then ingests, proves, computes a climatology, regrids and
verifies. A worker is killed in the ingest, in the climatology and in the verification, once it is at work. Prints for
each step its seconds and the largest memory of a process. Ends in an error if archive, climatology, regridded file or
scores differ from those of one process by a byte, or if a worker was not killed.
"""

import argparse
import hashlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np
import xarray as xr

from data_catalog.archive import writer
from data_catalog.archive.analysis import open_dataset_source
from data_catalog.archive.climatology import climatology_path, make_climatology
from data_catalog.archive.climatology_writing import ClimatologySettings
from data_catalog.archive.healing import archive_faults
from data_catalog.archive.ingest import ingest
from data_catalog.archive.workers import Workers
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.variables import channel
from pipelines.data.regrid import regrid_file
from pipelines.operations.verify import verify
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.dask_workers import processes
from pipelines.workspace.home import Home
from tests.dask_cluster.process_watch import Watch, cpu_seconds

ENTRY = DatasetEntry(
    name="clustered", title="Clustered", source="files", channels=("msl", "t2m"), static=(), step_hours=6,
    period_start=date(2001, 1, 1), licence="none", description="For tests.",
)  # fmt: skip
_USUAL = {"msl": (101e3, 900.0), "t2m": (281.0, 9.0)}
_BYTES_OF_A_PART = 64 * 1024**2
_FEWEST, _YEAR_HOURS = 24, 8784
_BYTES_OF_A_SMALL_TASK = 2 * 1024**2
_FEW = ClimatologySettings(quantiles=())
_GRID = "-80:80:10,0:350:10"
_FEWEST_STARTS, _STARTS_OF_A_GIGABYTE = 4, 2.5
_AT_WORK_SECONDS = 0.1
_STEP_OF_VALUES = 16
_MOST_LOOKS = 60
Result = TypeVar("Result")


def make_weather(path: Path, gigabytes: float, columns: int) -> None:
    """Write a Zarr store of weather of this size, part by part.

    Args:
        path: Store to create.
        gigabytes: Size of its values in memory.
        columns: Number of longitudes; half as many latitudes.
    """
    rows, rng = columns // 2, np.random.default_rng(0)
    count = max(_FEWEST, int(gigabytes * 1e9 / (4 * len(ENTRY.channels) * rows * columns)))
    a_year = -(-_YEAR_HOURS // count)  # at least, for the climatology
    step = ENTRY.step_hours if a_year <= ENTRY.step_hours else 24 * -(-a_year // 24)
    times = np.datetime64("2001-01-01", "ns") + np.arange(count) * np.timedelta64(step, "h")
    latitude, longitude = np.linspace(-88, 88, rows), np.arange(columns) * 360 / columns
    size = max(1, _BYTES_OF_A_PART // (4 * rows * columns))
    for start in range(0, count, size):
        chosen = times[start : start + size]
        fields = {}
        for name, (mean, spread) in _USUAL.items():
            values = mean + spread * rng.uniform(-2, 2, (len(chosen), rows, columns)).astype(np.float32)
            values = np.round(values * _STEP_OF_VALUES) / _STEP_OF_VALUES  # so that it can be packed
            fields[name] = (("time", "latitude", "longitude"), values, channel(name).attributes)
        part = xr.Dataset(fields, {"time": chosen, "latitude": latitude, "longitude": longitude}).chunk(time=1)
        if start:
            part.to_zarr(path, append_dim="time", zarr_format=2)
        else:
            part.to_zarr(path, zarr_format=2, encoding={"time": {"units": "hours since 2001-01-01", "dtype": "i8"}})


def make_forecasts(weather: Path, folder: Path, gigabytes: float) -> list[Path]:
    """Write forecasts, the weather with noise, a file for each start; together about as large as the weather.

    Args:
        weather: From `make_weather`.
        folder: Directory to create.
        gigabytes: Size of the forecasts.

    Returns:
        The files.
    """
    folder.mkdir()
    rng, starts = np.random.default_rng(1), max(_FEWEST_STARTS, int(_STARTS_OF_A_GIGABYTE * gigabytes))
    paths = [folder / f"forecast_{start:02d}.nc" for start in range(starts)]
    with xr.open_zarr(weather) as analysis:
        leads = 2 if gigabytes < 1 else 12
        members = max(4, int(gigabytes * 1e9 / (4 * starts * leads * analysis["t2m"][0].size)))
        for start, path in enumerate(paths):
            made = analysis[["t2m"]].isel(time=slice(start + 1, start + 1 + leads)).load()
            hours = made["time"].values - analysis["time"].values[start]
            values = np.empty((1, members, *made["t2m"].shape), np.float32)
            for member in range(members):
                noise = rng.standard_normal(made["t2m"].shape, np.float32)
                values[0, member] = np.round((made["t2m"].values + noise) * _STEP_OF_VALUES) / _STEP_OF_VALUES
            dims = ("init_time", "member", "lead_time", "latitude", "longitude")
            grid = {name: made[name].values for name in ("latitude", "longitude")}
            coords = {"init_time": [analysis["time"].values[start]], "member": np.arange(members), "lead_time": hours}
            xr.Dataset({"t2m": (dims, values, {"units": "K"})}, {**coords, **grid}).to_netcdf(path)
    return paths


def run(directory: Path, gigabytes: float, columns: int) -> None:
    """Make everything, and compare two processes with one, step by step.

    Args:
        directory: Empty, or with the weather and forecasts of a run before.
        gigabytes: Size of the weather.
        columns: Number of longitudes.
    """
    weather, folder, home = directory / "weather.zarr", directory / "forecasts", Home(directory / "home")
    if not folder.exists():
        make_weather(weather, gigabytes, columns)
        make_forecasts(weather, folder, gigabytes)
    forecasts = sorted(folder.glob("*.nc"))
    alone, together = directory / "alone.zarr", directory / "together.zarr"
    with Watch() as watch, processes(home, 2) as workers:
        steps = _Killing(workers, watch)
        _timed(watch, "ingest, one process", lambda: _ingest(weather, alone))
        steps.run("ingest", lambda: _ingest(weather, together, workers), lambda: _has_chunks(together))
        _check_same(_digests(alone), _digests(together), "archives")
        expected = _timed(watch, "verify, one process", lambda: verify(_request(home, alone, "one"), forecasts).report)
        found = steps.run("verify", lambda: verify(_request(home, together, "two"), forecasts, workers).report)
        _check_same(expected, found, "scores")
        _timed(watch, "climatology, one process", lambda: make_climatology(alone, _FEW))
        steps.run("climatology", lambda: make_climatology(together, _FEW, workers=workers))
        _check_same(_digests(climatology_path(alone)), _digests(climatology_path(together)), "climatologies")
        faults = _timed(watch, "archive verify, two processes", lambda: archive_faults(together, workers))
        _check_same((), faults, "proofs")
        source, ours, theirs = str(weather), directory / "alone.nc", directory / "together.nc"
        onto = {"grid": _GRID, "method": "conservative"}
        _timed(watch, "regrid, one process", lambda: regrid_file(home, source, out=ours, **onto))
        _timed(watch, "regrid, two processes", lambda: regrid_file(home, source, out=theirs, workers=workers, **onto))
        _check_same(ours.read_bytes(), theirs.read_bytes(), "regridded files")
    print(f"largest memory of a worker: {watch.largest_child_gb:.2f} GB")


def _check_same(one: object, two: object, what: str) -> None:
    assert one == two, f"the {what} of one and of two processes differ"
    print(f"same {what}", flush=True)


def _request(home: Home, archive: Path, name: str) -> VerificationRequest:
    return VerificationRequest(home, analysis=str(archive), scores=home.root / f"scores-{name}")


def _ingest(weather: Path, archive: Path, workers: Workers | None = None) -> None:
    with xr.open_zarr(weather) as analysis:
        hours = int(np.diff(analysis["time"].values[:2])[0] / np.timedelta64(1, "h"))
    entry = ENTRY.model_copy(update={"step_hours": hours})
    ingest(entry, open_dataset_source(entry, str(weather)), archive, workers=workers)


def _has_chunks(archive: Path) -> bool:
    """Whether workers have written chunks that are not committed."""
    return any(archive.glob(".unfinished/*")) and archive.joinpath("zarr.json").exists()


@dataclass(frozen=True)
class _Killing:
    """Runs steps, in each of which a worker is killed."""

    workers: Workers
    watch: Watch

    def run(self, what: str, step: Callable[[], Result], is_time: Callable[[], bool] = lambda: True) -> Result:
        """Run a step, and kill the worker that first has computed for some time, once `is_time` says so."""
        killed: list[int] = []
        done = threading.Event()
        killer = threading.Thread(target=_kill_at_work, args=(self._both(), killed, done, is_time))
        killer.start()
        result = _timed(self.watch, f"{what}, two processes", step)
        done.set()
        killer.join()
        assert killed, f"{what}: no worker was killed"
        print(f"worker process {killed[0]} was killed while it was at work", flush=True)
        return result

    def _both(self) -> list[int]:
        """Process numbers of both workers; one that was killed takes seconds to start again."""
        for _ in range(_MOST_LOOKS):
            running = sorted(set(self.workers.in_order(_process, range(8))))
            if len(running) == 2:
                return running
        raise AssertionError(f"expected two worker processes, found {running}")


def _kill_at_work(
    processes: Sequence[int], killed: list[int], done: threading.Event, is_time: Callable[[], bool]
) -> None:
    """Kill the first of some workers that has computed for some time since now, and note which."""
    before = {process: cpu_seconds(process) for process in processes}
    while not done.is_set():
        for process in processes:
            if cpu_seconds(process) - before[process] > _AT_WORK_SECONDS and is_time():
                os.kill(process, signal.SIGKILL)
                killed.append(process)
                return
        time.sleep(0.005)


def _process(number: int) -> int:
    time.sleep(0.2)  # so that each worker gets some
    return os.getpid()


def _timed(watch: Watch, what: str, function: Callable[[], Result]) -> Result:
    start = time.perf_counter()
    watch.begin()
    result = function()
    own, child = watch.largest_gb()
    print(f"{what}: {time.perf_counter() - start:.1f} s, at most {own:.2f} GB, {child:.2f} GB a worker", flush=True)
    return result


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a directory, by name."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--gigabytes", type=float, default=8.0, help="size of the weather in memory")
    parser.add_argument("--columns", type=int, default=720, help="number of longitudes")
    given = parser.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    if given.gigabytes < 1:
        writer._BYTES_AT_ONCE = _BYTES_OF_A_SMALL_TASK  # several tasks for each worker
    run(given.directory, given.gigabytes, given.columns)
    return 0


if __name__ == "__main__":
    sys.exit(main())
