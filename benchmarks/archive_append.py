"""What appending one day to an archive costs, by the length of the archive.

    python benchmarks/archive_append.py --years 1 10 40

Makes archives of daily fields of two channels on a small grid, then ingests one more day four ways: by `--start`, from
a file of that day alone, as a scheduled cycle does, and so with a hole that the source does not fill. Prints
seconds, files opened and bytes written, and the ratio to the shortest archive.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.variables import channel
from pipelines.data.ingest import ingest_dataset, ingest_new
from pipelines.workspace.home import Home

FIRST = np.datetime64("1980-01-01", "ns")
DAY = np.timedelta64(1, "D")
CHANNELS = ("msl", "t2m")
SHAPE = (12, 24)


@dataclass
class Opened:
    """Counts the files that are opened below some directories, and the chunks among them."""

    archive: str
    source: str
    counts: dict[str, int]
    on: bool = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and event == "open":
            path = str(arguments[0])
            if path.startswith(self.archive):
                self.counts["archive"] = self.counts.get("archive", 0) + 1
            elif path.startswith(self.source):
                self.counts["source"] = self.counts.get("source", 0) + 1


def make_analysis(times: np.ndarray) -> xr.Dataset:
    """Smooth fields with seasons and weather, always the same at the same time."""
    days = (times - FIRST) / DAY
    latitude = np.linspace(-82.5, 82.5, SHAPE[0])
    longitude = np.linspace(0, 345, SHAPE[1])
    rng = np.random.default_rng(0)
    waves = rng.uniform(0, 2 * np.pi, (6, 1))
    angle = 2 * np.pi * (days / rng.uniform(5, 40, (6, 1))) + waves
    weather = np.cos(angle[..., None, None] + np.deg2rad(longitude) * np.arange(1, 7)[:, None, None, None]).sum(0)
    season = np.cos(2 * np.pi * days / 365.25)[:, None, None] * np.sin(np.deg2rad(latitude))[:, None]
    noise = np.stack([np.random.default_rng(int(day)).normal(size=SHAPE) for day in days])
    mean = {"msl": 101000.0, "t2m": 285.0}
    size = {"msl": 300.0, "t2m": 3.0}
    fields = {
        name: (
            ("time", "latitude", "longitude"),
            (mean[name] + size[name] * (weather + noise - season)).astype(np.float32),
            channel(name).attributes,
        )
        for name in CHANNELS
    }
    return xr.Dataset(fields, {"time": times, "latitude": latitude, "longitude": longitude})


def make_entry(location: Path) -> DatasetEntry:
    """The dataset of the benchmark."""
    return DatasetEntry(
        name="small", title="Small", source="files", location=str(location), channels=CHANNELS, step_hours=24,
        period_start=date(1980, 1, 1), licence="none", simulated=True, description="For a benchmark.",
    )  # fmt: skip


def make_source(directory: Path, days: int) -> None:
    """Write the days as NetCDF, a file a year."""
    directory.mkdir()
    times = FIRST + np.arange(days) * DAY
    for year in np.unique(times.astype("datetime64[Y]")):
        of_year = times[times.astype("datetime64[Y]") == year]
        make_analysis(of_year).to_netcdf(directory / f"small_{year}.nc")


def measured(work: Callable[[], object], opened: Opened) -> dict[str, float]:
    """Seconds and opened files of a piece of work."""
    opened.counts.clear()
    opened.on, started = True, time.perf_counter()
    work()
    seconds, opened.on = time.perf_counter() - started, False
    return {"seconds": seconds, **{f"{name} files": count for name, count in sorted(opened.counts.items())}}


def run(years: int, place: Path) -> dict[str, dict[str, float]]:
    """Append a day to an archive of some years, each way to a copy of its own."""
    days = round(years * 365.25)
    source, whole = place / "source", place / "whole.zarr"
    make_source(source, days + 1)
    entry = make_entry(source)
    times = FIRST + np.arange(days) * DAY
    has_hole = np.arange(days) != days // 3
    ingest(entry, make_analysis(times), whole)
    ingest(entry, make_analysis(times[has_hole]), place / "hole.zarr")
    home = Home(place / "home")
    home.archive(entry.name).parent.mkdir(parents=True)
    opened = Opened(str(home.archive(entry.name)), str(source), {})
    sys.addaudithook(opened)
    day = times[-1] + DAY
    one = place / "one.nc"
    make_analysis(np.array([day])).to_netcdf(one)
    ways: dict[str, tuple[Path, Callable[[], object]]] = {
        "--start": (whole, lambda: ingest_dataset(entry, home.archive("small"), start=day.astype("M8[D]").item())),
        "--source": (whole, lambda: ingest_dataset(entry, home.archive("small"), source=str(one))),
        "cycle": (whole, lambda: ingest_new(home, entry)),
        "cycle, hole": (place / "hole.zarr", lambda: ingest_new(home, entry, str(one))),
    }
    found = {}
    for name, (archive, work) in ways.items():
        shutil.rmtree(home.archive("small"), ignore_errors=True)
        shutil.copytree(archive, home.archive("small"))
        found[name] = measured(work, opened)
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, nargs="+", default=[1, 10, 40])
    results: dict[int, dict[str, dict[str, float]]] = {}
    for years in parser.parse_args().years:
        with tempfile.TemporaryDirectory() as place:
            results[years] = run(years, Path(place))
        first = next(iter(results.values()))
        for way, values in results[years].items():
            shown = ", ".join(
                f"{name} {value:.3g} (x {value / first[way].get(name, np.nan):.2g})" for name, value in values.items()
            )
            print(f"{years:3} years  {way:12} {shown}", flush=True)


if __name__ == "__main__":
    main()
