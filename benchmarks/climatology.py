"""Climatology of a year of 6-hourly fields, ours beside plain xarray + Dask: time, processor time and peak memory.

    python benchmarks/climatology.py [--rows 72] [--columns 144] [--years 1] [--memory 0.3]

The fields are random, on a grid of fewer points than 0.25 degrees has (721 x 1440); the time for that grid is what was
measured times the ratio of points, as each point costs the same. Memory is not scaled: ours is bounded by --memory,
and that of xarray grows with the points. Each runs in a process of its own; the peak is that of its resident memory,
less what it is after imports. Quantiles, which xarray's recipe lacks, are measured by themselves.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr

from data_catalog.archive.climatology_writing import ClimatologySettings, write_climatology
from data_catalog.statistics.daily_climatology import QUANTILES, Calendar

POINTS_OF_QUARTER_DEGREE = 721 * 1440


def fields(rows: int, columns: int, years: int) -> xr.Dataset:
    """Random fields, one block for each time, made when they are read."""
    times = np.arange("2001-01-01", f"{2001 + years}-01-01", 6, "M8[h]").astype("M8[ns]")

    def block(block_info: dict | None = None) -> np.ndarray:
        first = block_info[None]["array-location"][0][0]
        return 280 + np.random.default_rng(first).standard_normal((1, rows, columns)).astype(np.float32)

    lazy = da.map_blocks(block, chunks=((1,) * len(times), (rows,), (columns,)), dtype=np.float32)
    coords = {"time": times, "latitude": np.linspace(-90, 90, rows), "longitude": np.arange(columns) * 360 / columns}
    return xr.Dataset({"t2m": (("time", "latitude", "longitude"), lazy, {"units": "K"})}, coords)


def by_plumecast(analysis: xr.Dataset, store: Path, memory: float, quantiles: tuple[float, ...]) -> None:
    settings = ClimatologySettings(quantiles=quantiles, memory_bytes=int(memory * 1e9))
    write_climatology(analysis, Calendar.of(analysis["time"].values), settings, store)


def by_xarray(analysis: xr.Dataset, store: Path) -> None:
    """WeatherBench2's recipe, lazily: years stacked, a rolling window, weights."""
    weights = xr.DataArray(np.concatenate([np.linspace(0, 1, 31), np.linspace(1, 0, 31)[1:]]), dims="window")
    hours = []
    for hour in np.unique(analysis["time"].dt.hour):
        field = analysis["t2m"].sel(time=analysis["time"].dt.hour == hour)
        years = [field.sel(time=str(year)) for year in np.unique(field["time"].dt.year)]
        years = [one.assign_coords(time=one["time"].dt.dayofyear.values).rename(time="dayofyear") for one in years]
        stacked = xr.concat(years, "year", join="outer").chunk(dayofyear=-1)
        window = stacked.pad(dayofyear=30, mode="wrap").rolling(dayofyear=61, center=True).construct("window")
        weighted = window.isel(dayofyear=slice(30, -30)).weighted(weights)
        hours.append(
            xr.Dataset({"t2m": weighted.mean(("window", "year")), "t2m_std": weighted.std(("window", "year"))})
        )
    result = xr.concat(hours, "hour").chunk(dayofyear=61, latitude=-1, longitude=-1)
    result.to_zarr(store, zarr_format=3, consolidated=False)


def _measured(which: str, options: argparse.Namespace, queue: "multiprocessing.Queue") -> None:
    analysis = fields(options.rows, options.columns, options.years)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock, processor = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory) / "climatology.zarr"
        if which == "xarray + Dask":
            by_xarray(analysis, store)
        else:
            by_plumecast(analysis, store, options.memory, QUANTILES if "quantiles" in which else ())
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
    queue.put((clock, processor, peak / 1024))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("rows", 72), ("columns", 144), ("years", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--memory", type=float, default=0.3, help="GB")
    options = parser.parse_args()
    points = options.rows * options.columns
    scale = POINTS_OF_QUARTER_DEGREE / points
    size = 4 * points * options.years * 1461 / 1e6
    print(f"{options.years} year(s), 6-hourly, {options.rows} x {options.columns} points, {size:.0f} MB")
    context = multiprocessing.get_context("spawn")
    for which in ("plumecast", "plumecast with quantiles", "xarray + Dask"):
        queue = context.Queue()
        process = context.Process(target=_measured, args=(which, options, queue))
        process.start()
        process.join()
        if queue.empty():
            print(f"{which:26} failed, status {process.exitcode}")
            continue
        clock, processor, peak = queue.get()
        print(f"{which:26} {clock:7.1f} s, processor {processor:6.1f} s, peak {peak:6.0f} MiB; "
              f"0.25 degrees: processor {processor * scale / 60:6.0f} min a channel")  # fmt: skip


if __name__ == "__main__":
    main()
