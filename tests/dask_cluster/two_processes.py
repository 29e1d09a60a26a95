"""Run the heavy commands with two worker processes, one of which is killed on the way, and compare with one process.

    python -m tests.dask_cluster.two_processes DIRECTORY --gigabytes 8

Makes weather and forecasts in DIRECTORY, then ingests, proves, computes a climatology, regrids and verifies. Prints for
each step its seconds and the largest memory of a worker. Ends in an error if archive, climatology, regridded file or
scores differ from those of one process by a byte, or if no worker was killed.
"""

import argparse
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
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
_MEMBERS, _LEADS, _STARTS = 4, 2, 4
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
            fields[name] = (("time", "latitude", "longitude"), values, channel(name).attributes)
        part = xr.Dataset(fields, {"time": chosen, "latitude": latitude, "longitude": longitude}).chunk(time=1)
        if start:
            part.to_zarr(path, append_dim="time", zarr_format=2)
        else:
            part.to_zarr(path, zarr_format=2, encoding={"time": {"units": "hours since 2001-01-01", "dtype": "i8"}})


def make_forecasts(weather: Path, path: Path) -> None:
    """Write forecasts of some starts: the weather with noise.

    Args:
        weather: From `make_weather`.
        path: File to create.
    """
    rng, parts = np.random.default_rng(1), []
    with xr.open_zarr(weather) as analysis:
        for start in range(_STARTS):
            leads = analysis[["t2m"]].isel(time=slice(start + 1, start + 1 + _LEADS)).load()
            noise = rng.standard_normal((_MEMBERS, *leads["t2m"].shape)).astype(np.float32)
            hours = leads["time"].values - analysis["time"].values[start]
            values = (leads["t2m"].values + noise)[None]
            dims = ("init_time", "member", "lead_time", "latitude", "longitude")
            grid = {name: leads[name].values for name in ("latitude", "longitude")}
            coords = {"init_time": [analysis["time"].values[start]], "member": np.arange(_MEMBERS), "lead_time": hours}
            parts.append(xr.Dataset({"t2m": (dims, values, {"units": "K"})}, {**coords, **grid}))
    xr.concat(parts, "init_time").to_netcdf(path)


def run(directory: Path, gigabytes: float, columns: int) -> None:
    """Make everything, and compare two processes with one.

    Args:
        directory: Empty.
        gigabytes: Size of the weather.
        columns: Number of longitudes.
    """
    weather, forecasts, home = directory / "weather.zarr", directory / "forecasts.nc", Home(directory / "home")
    make_weather(weather, gigabytes, columns)
    make_forecasts(weather, forecasts)
    alone, together = directory / "alone.zarr", directory / "together.zarr"
    _timed("ingest, one process", lambda: _ingest(weather, alone))
    expected = _timed("verify, one process", lambda: verify(_request(home, alone, "one"), [forecasts]).report)
    _timed("climatology, one process", lambda: make_climatology(alone, _FEW))
    onto = {"grid": _GRID, "method": "conservative"}
    _timed("regrid, one process", lambda: regrid_file(home, str(weather), out=directory / "alone.nc", **onto))
    with processes(home, 2) as workers:
        _timed("ingest, two processes", lambda: _ingest_with_a_kill(weather, together, workers))
        faults = _timed("archive verify, two processes", lambda: archive_faults(together, workers))
        found = _timed(
            "verify, two processes", lambda: verify(_request(home, together, "two"), [forecasts], workers).report
        )
        _timed("climatology, two processes", lambda: make_climatology(together, _FEW, workers=workers))
        theirs = directory / "together.nc"
        _timed("regrid, two processes", lambda: regrid_file(home, str(weather), out=theirs, workers=workers, **onto))
        peaks = list(workers.in_order(_peak_gigabytes, range(8)))
    print(f"largest memory of a worker: {max(peaks):.2f} GB")
    assert faults == ()
    assert _contents(alone) == _contents(together), "the archives differ"
    assert _contents(climatology_path(alone)) == _contents(climatology_path(together)), "the climatologies differ"
    assert (directory / "alone.nc").read_bytes() == theirs.read_bytes(), "the regridded files differ"
    assert found == expected, "the scores differ"


def _request(home: Home, archive: Path, name: str) -> VerificationRequest:
    return VerificationRequest(home, analysis=str(archive), scores=home.root / f"scores-{name}")


def _ingest(weather: Path, archive: Path, workers: Workers | None = None) -> None:
    with xr.open_zarr(weather) as analysis:
        hours = int(np.diff(analysis["time"].values[:2])[0] / np.timedelta64(1, "h"))
    entry = ENTRY.model_copy(update={"step_hours": hours})
    ingest(entry, open_dataset_source(entry, str(weather)), archive, workers=workers)


def _ingest_with_a_kill(weather: Path, archive: Path, workers: Workers) -> None:
    running = sorted(set(workers.in_order(_process, range(8))))
    assert len(running) == 2, running
    done = threading.Event()
    killer = threading.Thread(target=_kill_while_writing, args=(running[0], archive, done))
    killer.start()
    _ingest(weather, archive, workers)
    done.set()
    killer.join()
    now = set(workers.in_order(_process, range(8)))
    assert running[0] not in now, "no worker was killed"
    print(f"worker process {running[0]} was killed while it wrote")


def _kill_while_writing(process: int, archive: Path, done: threading.Event) -> None:
    """Kill a worker as soon as the first chunks of the archive are on disk."""
    while not done.is_set():
        if any(archive.glob(".unfinished/*")) and archive.joinpath("zarr.json").exists():
            os.kill(process, signal.SIGKILL)
            return
        time.sleep(0.005)


def _process(number: int) -> int:
    time.sleep(0.2)  # so that each worker gets some
    return os.getpid()


def _peak_gigabytes(number: int) -> float:
    time.sleep(0.2)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _timed(what: str, function: Callable[[], Result]) -> Result:
    start = time.perf_counter()
    result = function()
    print(f"{what}: {time.perf_counter() - start:.1f} s", flush=True)
    return result


def _contents(archive: Path) -> dict[str, bytes]:
    return {str(path.relative_to(archive)): path.read_bytes() for path in archive.rglob("*") if path.is_file()}


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
