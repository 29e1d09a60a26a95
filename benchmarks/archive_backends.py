"""Compares the archive with icechunk: appends, kills, flipped and lost bytes, two writers, speed. Prints Markdown.

    pip install icechunk
    python benchmarks/archive_backends.py [--kills 20] [--damages 40] [--days 365] [--appends 20]

Both hold the same values in the same chunks. icechunk is measured with xarray's writer and the codecs of our archive
(Zstandard after a byte shuffle), and once more with an additional crc32c checksum.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Protocol

import icechunk
import numpy as np
import xarray as xr
from zarr.codecs import BloscCodec, Crc32cCodec

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.variables import channel

CHANNELS = ("z500", "t850", "u850", "v850", "msl", "t2m")
ENTRY = DatasetEntry(
    name="benchmark", title="Benchmark", source="files", channels=CHANNELS, step_hours=24,
    period_start=date(2001, 1, 1), licence="none", description="Smooth random fields.",
)  # fmt: skip
CONTEXT = multiprocessing.get_context("spawn")  # a fork would inherit threads of icechunk
SHAPE = (32, 64)
TIMES_PER_CHUNK = 128
USUAL = {
    "z500": (54000, 2000),
    "t850": (280, 12),
    "u850": (2, 8),
    "v850": (0, 8),
    "msl": (101000, 1200),
    "t2m": (285, 15),
}


class Backend(Protocol):
    """A store of one analysis that grows in time."""

    name: str

    def append(self, path: Path, analysis: xr.Dataset, start: int, stop: int) -> None:
        """Bring the store from `start` times to `stop` times of the analysis."""

    def read(self, path: Path) -> xr.Dataset:
        """Open the store, lazily."""


class OurArchive:
    """Plumecast's archive."""

    name = "Plumecast"

    def append(self, path: Path, analysis: xr.Dataset, start: int, stop: int) -> None:
        ingest(ENTRY, analysis.isel(time=slice(start, stop)), path)

    def read(self, path: Path) -> xr.Dataset:
        return open_archive(path)


class Icechunk:
    """An icechunk repository on a local disk, written by xarray."""

    def __init__(self, *, checksum: bool) -> None:
        self.name = "icechunk, crc32c" if checksum else "icechunk"
        self._checksum = [Crc32cCodec()] if checksum else []

    def append(self, path: Path, analysis: xr.Dataset, start: int, stop: int) -> None:
        storage = icechunk.local_filesystem_storage(str(path))
        repository = icechunk.Repository.open_or_create(storage)
        session = repository.writable_session("main")
        part = analysis.isel(time=slice(start, stop))
        if start:
            part.to_zarr(session.store, zarr_format=3, consolidated=False, append_dim="time")
        else:
            codecs = [BloscCodec(cname="zstd", clevel=3, shuffle="shuffle", typesize=4), *self._checksum]
            encoding = {name: {"chunks": (TIMES_PER_CHUNK, *SHAPE), "compressors": codecs} for name in CHANNELS}
            part.to_zarr(session.store, zarr_format=3, consolidated=False, encoding=encoding, mode="w")
        session.commit(f"{start} to {stop}")

    def read(self, path: Path) -> xr.Dataset:
        storage = icechunk.local_filesystem_storage(str(path))
        session = icechunk.Repository.open(storage).readonly_session("main")
        return xr.open_zarr(session.store, consolidated=False)


def make_analysis(days: int) -> xr.Dataset:
    """Fields that compress as weather does: smooth in space and time."""
    rng = np.random.default_rng(0)
    latitude, longitude = np.linspace(-87.1875, 87.1875, SHAPE[0]), np.arange(SHAPE[1]) * 5.625
    times = np.datetime64("2001-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D")
    waves = rng.normal(size=(days, 6, 6)).cumsum(axis=0) / np.sqrt(np.arange(1, days + 1))[:, None, None]
    basis = [np.cos(np.outer(k * np.deg2rad(latitude), np.ones(SHAPE[1]))) for k in range(6)]
    around = [np.cos(m * np.deg2rad(longitude)) for m in range(6)]
    field = np.einsum("tkm,kyx,mx->tyx", waves, np.stack(basis), np.stack(around))
    fields = {
        name: (
            ("time", "latitude", "longitude"),
            (mean + 3 * spread * field / abs(field).max()).astype(np.float32),
            channel(name).attributes,
        )
        for name, (mean, spread) in USUAL.items()
    }
    return xr.Dataset(fields, {"time": times, "latitude": latitude, "longitude": longitude})


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fate(backend: Backend, path: Path, analysis: xr.Dataset) -> str:
    """What a reader gets: `right`, `error` or `WRONG`; the times that are there must be the analysis's first ones."""
    try:
        found = backend.read(path).load()
    except Exception:
        return "error"
    expected = analysis.isel(time=slice(0, found.sizes["time"]))
    alike = all(np.array_equal(found[name].values, expected[name].values) for name in CHANNELS)
    return "right" if alike and np.array_equal(found["time"].values, expected["time"].values) else "WRONG"


def start_append(backend: Backend, path: Path, analysis: xr.Dataset, start: int) -> tuple[SpawnProcess, Connection]:
    """A process of its own that appends all from `start` on; the connection tells when it begins and ends."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_append, args=(backend, path, analysis, start, theirs))
    process.start()
    ours.recv()
    return process, ours


def _append(backend: Backend, path: Path, analysis: xr.Dataset, start: int, told: Connection) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    told.send("begins")
    backend.append(path, analysis, start, analysis.sizes["time"])
    told.send("done")


def kills(backend: Backend, root: Path, analysis: xr.Dataset, count: int, start: int) -> dict[str, int]:
    """Kill an append at a random moment, read, append again, read: how often each was as it should be."""
    rng, met = random.Random(0), {"killed in time": 0, "right after the kill": 0, "right once resumed": 0}
    base, whole = root / "base", analysis.sizes["time"]
    backend.append(base, analysis, 0, start)
    _, told = start_append(backend, _copy(base, root / "timed"), analysis, start)
    usual = seconds(told.recv)
    for _ in range(count):
        path = _copy(base, root / "killed")
        process, _ = start_append(backend, path, analysis, start)
        time.sleep(usual * rng.random())
        process.kill()
        process.join()
        met["killed in time"] += process.exitcode == -signal.SIGKILL
        met["right after the kill"] += fate(backend, path, analysis) == "right"
        done = backend.read(path).sizes["time"]
        if done < whole:
            backend.append(path, analysis, done, whole)
        met["right once resumed"] += (
            backend.read(path).sizes["time"] == whole and fate(backend, path, analysis) == "right"
        )
    return met


def _copy(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def damages(backend: Backend, root: Path, path: Path, analysis: xr.Dataset, count: int) -> dict[str, dict[str, int]]:
    """Damage one large file at a time: how a whole reading ends."""
    rng, met = random.Random(1), {kind: {"error": 0, "right": 0, "WRONG": 0} for kind in ("flip", "truncate", "delete")}
    for kind, fates in met.items():
        for _ in range(count):
            damaged = _copy(path, root / "damaged")
            files = [file for file in damaged.rglob("*") if file.is_file() and file.stat().st_size > 50_000]
            file = rng.choice(sorted(files))
            content = bytearray(file.read_bytes())
            place = rng.randrange(len(content))
            if kind == "flip":
                content[place] ^= 1 << rng.randrange(8)
            file.write_bytes(content[:place] if kind == "truncate" else content)
            if kind == "delete":
                file.unlink()
            fates[fate(backend, damaged, analysis)] += 1
    return met


def two_writers(backend: Backend, root: Path, analysis: xr.Dataset, start: int) -> str:
    """Two processes append the same times at once."""
    path = root / "shared"
    shutil.rmtree(path, ignore_errors=True)
    backend.append(path, analysis, 0, start)
    started = [start_append(backend, path, analysis, start) for _ in range(2)]  # connections stay open until they end
    for writer, _ in started:
        writer.join()
    failed = sum(writer.exitcode != 0 for writer, _ in started)
    return f"{2 - failed} done, {failed} refused; store {fate(backend, path, analysis)}"


def measure(backends: list[Backend], root: Path, wanted: argparse.Namespace) -> dict[str, list[str]]:
    """A row for each figure, a column for each backend; timings alternate between them."""
    analysis = make_analysis(wanted.days + wanted.appends)
    rows: dict[str, list[str]] = {}
    times: dict[str, dict[str, list[float]]] = {}
    places = {backend.name: root / backend.name.replace(" ", "").replace(",", "-") for backend in backends}

    def timed(what: str, backend: Backend, work: Callable[[], object]) -> None:
        times.setdefault(what, {}).setdefault(backend.name, []).append(seconds(work))

    for _ in range(3):
        for backend in backends:
            shutil.rmtree(places[backend.name], ignore_errors=True)
            timed("create", backend, lambda b=backend: b.append(places[b.name], analysis, 0, wanted.days))
    for day in range(wanted.days, wanted.days + wanted.appends):
        for backend in backends:
            timed("append a day", backend, lambda b=backend, d=day: b.append(places[b.name], analysis, d, d + 1))
    for _ in range(5):
        for backend in backends:
            timed("open and read all", backend, lambda b=backend: b.read(places[b.name]).load())
    for backend in backends:
        opened, rng = backend.read(places[backend.name]), np.random.default_rng(2)
        for index in rng.integers(0, wanted.days, 40):
            timed("one random time", backend, lambda o=opened, i=index: o.isel(time=int(i)).load())
    for what, by_backend in times.items():
        medians = [statistics.median(by_backend[backend.name]) for backend in backends]
        rows[what] = [f"{1000 * median:.0f} ms (x {median / medians[0]:.2f})" for median in medians]
    rows["bytes, files"] = [_size(places[backend.name]) for backend in backends]
    for backend in backends:
        fresh = root / "fresh"  # without chunks that later appends have replaced, which nobody reads any more
        shutil.rmtree(fresh, ignore_errors=True)
        backend.append(fresh, analysis, 0, wanted.days)
        for kind, fates in damages(backend, root, fresh, analysis, wanted.damages).items():
            rows.setdefault(kind, []).append(", ".join(f"{n} {word}" for word, n in fates.items() if n))
        for what, count in kills(backend, root, analysis, wanted.kills, wanted.days // 2).items():
            rows.setdefault(what, []).append(f"{count} of {wanted.kills}")
        rows.setdefault("two writers at once", []).append(two_writers(backend, root, analysis, wanted.days // 2))
        shutil.rmtree(root / "base", ignore_errors=True)
    return rows


def _size(path: Path) -> str:
    files = [file for file in path.rglob("*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB, {len(files)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("kills", 20), ("damages", 40), ("days", 365), ("appends", 20)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    wanted = parser.parse_args()
    backends: list[Backend] = [OurArchive(), Icechunk(checksum=False), Icechunk(checksum=True)]
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(backends, Path(folder), wanted)
    print(f"| | {' | '.join(backend.name for backend in backends)} |\n|---|{'---|' * len(backends)}")
    for what, cells in rows.items():
        print(f"| {what} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
