"""Whether memory stays the same however long an ingest is, and how much of a remote store one variable costs.

    python -m benchmarks.ingest_at_scale memory --times 40 160      # a year of 0.25 degrees has 1460
    python -m benchmarks.ingest_at_scale requests

`memory` ingests lazy fields of 8 channels at 0.25 degrees, 33 MB a time, which are computed as they are read, and gives
the largest memory of the process for each number of times. `requests` serves a Zarr store of 12 variables on this
machine, and counts what an ingest of one variable asks for.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr
from scipy.ndimage import zoom

from benchmarks.ingest import CHANNELS, COLUMNS, ENTRY, ROWS
from data_catalog.archive.ingest import ingest
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.variables import channel
from data_catalog.sources.open_source import open_source
from tests.data_catalog.sources.grib.serving import serving

HOUR = np.timedelta64(1, "h")
MANY = ("z500", "t850", "u850", "v850", "q850", "z250", "u250", "v250", "msl", "t2m", "u10", "v10")


class Weather:
    """Fields that are computed when they are read: two patterns that turn into each other, and noise."""

    def __init__(self, seed: int, mean: float, spread: float) -> None:
        rng = np.random.default_rng(seed)
        coarse = rng.standard_normal((2, 33, 65)).astype(np.float32)
        self.patterns = [zoom(one, (ROWS / 33, COLUMNS / 65), order=3)[:ROWS, :COLUMNS] for one in coarse]
        self.noise = (0.05 * rng.standard_normal((ROWS, COLUMNS))).astype(np.float32)
        self.mean, self.spread, self.seed = mean, spread, seed

    def block(self, block_info: dict) -> np.ndarray:
        at = block_info[None]["array-location"][0][0]
        angle = np.float32(at / 40 + self.seed)
        noise = np.roll(self.noise, (37 * at, 91 * at), (0, 1))
        turned = np.cos(angle) * self.patterns[0] + np.sin(angle) * self.patterns[1] + noise
        return (np.float32(self.mean) + np.float32(self.spread) * turned)[None]


def simulated(times: int) -> xr.Dataset:
    """A lazy analysis of so many times."""
    axes = {
        "time": np.datetime64("2001-01-01", "ns") + np.arange(times) * 6 * HOUR,
        "latitude": np.linspace(-90, 90, ROWS),
        "longitude": np.arange(COLUMNS) * 0.25,
    }
    fields = {}
    for seed, (name, (mean, spread)) in enumerate(CHANNELS.items()):
        weather = Weather(seed, mean, spread / 3)
        chunks = ((1,) * times, (ROWS,), (COLUMNS,))
        meta = np.empty((0, 0, 0), np.float32)
        lazy = da.map_blocks(lambda block_info=None, of=weather: of.block(block_info), chunks=chunks, meta=meta)
        fields[name] = (tuple(axes), lazy, channel(name).attributes)
    return xr.Dataset(fields, axes)


def measure_memory(times: int, directory: Path) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    ingest(ENTRY, simulated(times), directory / "archive.zarr")
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps([wall, cpu, int(peak.split()[1]) * 1024 / 1e9]))


def memory(counts: list[int], directory: Path) -> None:
    for times in counts:
        shutil.rmtree(directory / "archive.zarr", ignore_errors=True)
        command = [sys.executable, "-m", "benchmarks.ingest_at_scale", "one", str(times), str(directory)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        wall, cpu, peak = json.loads(done.stdout.splitlines()[-1])
        size = times * len(CHANNELS) * ROWS * COLUMNS * 4 / 1e9
        print(f"{times:5} times, {size:5.1f} GB: peak {peak:.2f} GB, {wall:.0f} s wall, {cpu:.0f} s cpu", flush=True)


def requests(directory: Path, times: int = 20) -> None:
    rng, axes = np.random.default_rng(0), {"latitude": np.linspace(-88, 88, 45), "longitude": np.arange(90) * 4.0}
    axes |= {"time": np.datetime64("2001-01-01", "ns") + np.arange(times) * 6 * HOUR}
    dims = ("time", "latitude", "longitude")
    values = rng.uniform(-1, 1, (times, 45, 90)).astype(np.float32)
    usual = {"z": 5.4e4, "t": 270.0, "t2m": 280.0, "msl": 1e5, "q": 2e-3}
    fields = {}
    for name in MANY:
        mean = usual.get(channel(name).variable.short_name, 0.0)
        mean = 1e5 if name == "z250" else mean
        spread = 1e-3 if name == "q850" else 5.0
        fields[name] = (dims, np.float32(mean) + np.float32(spread) * values, channel(name).attributes)
    (directory / "store").mkdir()
    xr.Dataset(fields, axes).chunk(time=1).to_zarr(directory / "store" / "many.zarr", zarr_format=2, consolidated=True)
    with serving(directory / "store") as served:
        entry = DatasetEntry(
            name="one", title="One", source="files", location=f"{served.url}/many.zarr", channels=("t2m",), static=(),
            step_hours=6, period_start=date(2001, 1, 1), licence="none", description="Simulated.", simulated=True,
        )  # fmt: skip
        ingest(entry, open_source(entry), directory / "one.zarr")
        asked = [*served.whole, *(path for path, *_ in served.ranges)]
        chunks = sum("/t2m/" in path and not path.endswith((".zarray", ".zattrs")) for path in asked)
        others = sorted({path.split("/")[-2] for path in asked if any(f"/{one}/" in path for one in MANY)} - {"t2m"})
        print(
            f"one of {len(MANY)} variables, {times} times, of a Zarr store: {len(asked)} requests and "
            f"{len(served.heads)} for headers, {chunks} of them for chunks of the variable, "
            f"chunks of other variables: {', '.join(others) or 'none'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("memory", "requests", "one"))
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, nargs="+", default=[40, 160], help="numbers of times, 33 MB each")
    parser.add_argument("--directory", type=Path, help="where archives are made [default: a temporary directory]")
    given = parser.parse_args()
    if given.part == "one":
        measure_memory(int(given.words[0]), Path(given.words[1]))
        return
    with tempfile.TemporaryDirectory(dir=given.directory) as made:
        if given.part == "memory":
            memory(given.times, Path(made))
        else:
            requests(Path(made))


if __name__ == "__main__":
    main()
