"""Series at single points: from an archive, and from its twin whose chunks are long in time.

    python benchmarks/archive_series.py --days 3652 --rows 64 --columns 128

Makes an archive of one channel of invented weather and its twin, then reads series at random points from each, in
turns, as many as are asked for. Prints the median time of a series and the ratio.
"""

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.archive import chunks
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.series import make_series
from data_catalog.archive.series_reading import open_series
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.variables import channel


def make_analysis(days: int, rows: int, columns: int) -> xr.Dataset:
    """Red noise in time, rough in space."""
    rng = np.random.default_rng(0)
    values = np.empty((days, rows, columns), np.float32)
    state = rng.standard_normal((rows, columns), np.float32)
    for day in range(days):
        state = 0.8 * state + 0.6 * rng.standard_normal((rows, columns), np.float32)
        values[day] = 285 + 5 * state
    places = {
        "time": np.datetime64("1990-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D"),
        "latitude": np.linspace(-87, 87, rows),
        "longitude": np.arange(columns) * (360 / columns),
    }
    return xr.Dataset({"t2m": (("time", "latitude", "longitude"), values, channel("t2m").attributes)}, places)


def median_seconds(opened: xr.Dataset, points: list[tuple[int, int]]) -> float:
    """Median time to read the whole series at a point, with nothing kept from the one before."""
    found = []
    for row, column in points:
        chunks._RECENT = chunks._RecentChunks(64 * 1024**2)
        started = time.perf_counter()
        opened["t2m"].isel(latitude=row, longitude=column).compute()
        found.append(time.perf_counter() - started)
    return float(np.median(found))


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("days", 3652), ("rows", 64), ("columns", 128), ("points", 9)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    entry = DatasetEntry(
        name="noise", title="Noise", source="files", channels=("t2m",), step_hours=24, period_start=date(1990, 1, 1),
        licence="none", simulated=True, description="For a benchmark.",
    )  # fmt: skip
    rng = np.random.default_rng(1)
    points = [(int(rng.integers(given.rows)), int(rng.integers(given.columns))) for _ in range(given.points)]
    with tempfile.TemporaryDirectory() as place:
        archive = Path(place) / "noise.zarr"
        ingest(entry, make_analysis(given.days, given.rows, given.columns), archive)
        started = time.perf_counter()
        series = make_series(archive)
        print(f"made in {time.perf_counter() - started:.1f} s: {len(series.chunks)} chunks of {series.shape}")
        plain, twin = median_seconds(open_archive(archive), points), median_seconds(open_series(archive), points)
        print(f"a series: archive {plain * 1e3:.0f} ms, twin {twin * 1e3:.0f} ms, x {plain / twin:.0f}")


if __name__ == "__main__":
    main()
