"""The speed of ingest and of reading an archive, beside plain xarray and Dask with the same codec, and beside the disk.

    python benchmarks/ingest.py [--times 16] [--rounds 3] [--directory DIR]

Makes fields of 8 channels at 0.25 degrees (33 MB a time) as NetCDF (as it is and with zlib), Zarr (lz4) and GRIB 2 (16
bits, CCSDS), copies each into an archive with all checks and into a Zarr store without any, in turn (GRIB by cfgrib),
and reads single times and runs of four from both. Each line gives MB of values a second of wall time and of process CPU
time, ours over plain, and the most memory. On a machine with other work the CPU time is the fairer one. Each case runs
in a process of its own.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import eccodes
import numpy as np
import xarray as xr
from scipy.ndimage import zoom
from zarr.codecs import BloscCodec, Crc32cCodec

from data_catalog.archive.analysis import open_dataset_source
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.variables import channel
from data_catalog.storage.atomic_files import synchronise

CHANNELS = {
    "z500": (54e3, 2e3), "t850": (275.0, 10.0), "u850": (0.0, 8.0), "v850": (0.0, 8.0),
    "msl": (101e3, 800.0), "t2m": (280.0, 10.0), "u10": (0.0, 5.0), "v10": (0.0, 5.0),
}  # fmt: skip
ROWS, COLUMNS = 721, 1440
ENTRY = DatasetEntry(
    name="bench", title="Benchmark", source="files", channels=tuple(CHANNELS), static=(), step_hours=6,
    period_start=date(2001, 1, 1), licence="none", description="Simulated.", simulated=True,
)  # fmt: skip
SOURCES = ("raw.nc", "zlib.nc", "lz4.zarr", "ccsds.grib")
SPELLED = {
    "z500": ("z", 500), "t850": ("t", 850), "u850": ("u", 850), "v850": ("v", 850),
    "msl": ("msl", 0), "t2m": ("2t", 0), "u10": ("10u", 0), "v10": ("10v", 0),
}  # fmt: skip
"""Short name and pressure level of each channel in GRIB."""


def make_sources(directory: Path, times: int) -> None:
    rng = np.random.default_rng(0)
    axes = {
        "time": np.datetime64("2001-01-01", "ns") + np.arange(times) * np.timedelta64(6, "h"),
        "latitude": np.linspace(-90, 90, ROWS),
        "longitude": np.arange(COLUMNS) * 0.25,
    }
    fields = {}
    for name, (mean, spread) in CHANNELS.items():
        coarse = rng.standard_normal((times, 33, 65)).astype(np.float32)
        values = np.stack([zoom(one, (ROWS / 33, COLUMNS / 65), order=3)[:ROWS, :COLUMNS] for one in coarse])
        values += 0.002 * rng.standard_normal(values.shape, dtype=np.float32)
        fields[name] = (tuple(axes), (mean + spread * values).astype(np.float32), channel(name).attributes)
    whole = xr.Dataset(fields, axes)
    whole.to_netcdf(directory / "raw.nc")
    packing = {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": (1, ROWS, COLUMNS)}
    whole.to_netcdf(directory / "zlib.nc", encoding=dict.fromkeys(CHANNELS, packing))
    whole.chunk(time=1).to_zarr(directory / "lz4.zarr", zarr_format=2)
    with (directory / "ccsds.grib").open("wb") as file:
        for index in range(times):
            for name in CHANNELS:
                file.write(coded(name, whole[name].isel(time=index)))


def coded(name: str, field: xr.DataArray) -> bytes:
    """A GRIB message of a field, from north to south."""
    short_name, level = SPELLED[name]
    handle = eccodes.codes_grib_new_from_samples(f"regular_ll_{'pl' if level else 'sfc'}_grib2")
    day, hour = str(field["time"].values)[:10].replace("-", ""), int(str(field["time"].values)[11:13])
    keys = {
        "Ni": COLUMNS, "Nj": ROWS, "latitudeOfFirstGridPointInDegrees": 90.0, "latitudeOfLastGridPointInDegrees": -90.0,
        "longitudeOfFirstGridPointInDegrees": 0.0, "longitudeOfLastGridPointInDegrees": 359.75,
        "iDirectionIncrementInDegrees": 0.25, "jDirectionIncrementInDegrees": 0.25, "dataDate": int(day),
        "dataTime": 100 * hour, "dataType": "an", "shortName": short_name, "packingType": "grid_ccsds",
        "bitsPerValue": 16,
    }  # fmt: skip
    try:
        for key, value in {**keys, **({"level": level} if level else {})}.items():
            eccodes.codes_set(handle, key, value)
        eccodes.codes_set_values(handle, field.values[::-1].astype(np.float64).ravel())
        return bytes(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)


def opened_plainly(source: Path) -> xr.Dataset:
    """A source as xarray opens it, with Dask; GRIB by cfgrib, variable by variable."""
    if source.suffix == ".zarr":
        return xr.open_zarr(source)
    if source.suffix != ".grib":
        return xr.open_dataset(source, engine="netcdf4", chunks={"time": 1})
    fields = {}
    for name, (short_name, _) in SPELLED.items():
        options = {"filter_by_keys": {"shortName": short_name}, "indexpath": ""}
        part = xr.open_dataset(source, engine="cfgrib", chunks={"time": 1}, backend_kwargs=options)
        fields[name] = next(iter(part.data_vars.values())).reset_coords(drop=True)
    return xr.Dataset(fields)


def archived(source: Path, target: Path) -> None:
    ingest(ENTRY, open_dataset_source(ENTRY, str(source)), target)


def copied(source: Path, target: Path) -> None:
    opened = opened_plainly(source)
    codecs = [BloscCodec(cname="zstd", clevel=3, shuffle="shuffle", typesize=4), Crc32cCodec()]
    encoding = {name: {"compressors": codecs} for name in CHANNELS}
    opened.drop_encoding().chunk(time=1).to_zarr(target, zarr_format=3, consolidated=False, encoding=encoding)


def read_single(source: Path, target: Path) -> None:
    opened = open_archive(source) if "ours" in source.name else xr.open_zarr(source, consolidated=False)
    for index in np.random.default_rng(0).permutation(opened.sizes["time"]):
        opened.isel(time=int(index)).load()


def read_in_order(source: Path, target: Path) -> None:
    opened = open_archive(source) if "ours" in source.name else xr.open_zarr(source, consolidated=False)
    for start in range(0, opened.sizes["time"], 4):
        opened.isel(time=slice(start, start + 4)).load()


CASES: dict[str, Callable[[Path, Path], None]] = {
    "archived": archived, "copied": copied, "read_single": read_single, "read_in_order": read_in_order,
}  # fmt: skip


def measure(case: str, source: Path, target: Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak gigabytes of a case in a process of its own."""
    command = [sys.executable, __file__, "--case", case, str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall, cpu, peak = json.loads(done.stdout.splitlines()[-1])
    return wall, cpu, peak


def run_case(case: str, source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    wall, cpu = time.perf_counter(), time.process_time()
    CASES[case](source, target)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    # Unlike getrusage, this does not count the memory of the process that started this one.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps([wall, cpu, int(peak.split()[1]) * 1024 / 1e9]))


def disk_speed(directory: Path, megabytes: int = 256) -> float:
    content, path = np.random.default_rng(0).bytes(1_000_000), directory / "disk"
    start = time.perf_counter()
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(content)
    synchronise(path)
    return megabytes / (time.perf_counter() - start)


def compare(title: str, ours: tuple[str, Path, Path], plain: tuple[str, Path, Path], size: float, rounds: int) -> None:
    """Measure both in turn, and print the median rates and ratios."""
    found = np.array([[measure(*ours), measure(*plain)] for _ in range(rounds)])
    median = np.median(found, axis=0)
    ratios = np.median(found[:, 1, :2] / found[:, 0, :2], axis=0)
    rates = size / median[:, :2]
    print(
        f"{title:26} ours {rates[0, 0]:5.0f} wall {rates[0, 1]:5.0f} cpu, plain {rates[1, 0]:5.0f} wall "
        f"{rates[1, 1]:5.0f} cpu MB/s; ratio {ratios[0]:.2f} wall {ratios[1]:.2f} cpu; "
        f"peak {median[0, 2]:.2f} and {median[1, 2]:.2f} GB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=16, help="number of times, 33 MB each")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the median counts")
    parser.add_argument("--directory", type=Path, help="where the files are made [default: a temporary directory]")
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES, help="what is ingested")
    given = parser.parse_args()
    if given.case:
        run_case(given.case[0], Path(given.case[1]), Path(given.case[2]))
        return
    with tempfile.TemporaryDirectory(dir=given.directory) as made:
        directory = Path(made)
        make_sources(directory, given.times)
        size = given.times * len(CHANNELS) * ROWS * COLUMNS * 4 / 1e6
        print(f"{size:.0f} MB of values; the disk writes {disk_speed(directory):.0f} MB/s", flush=True)
        ours, plain, none = directory / "ours.zarr", directory / "plain.zarr", directory / "none"
        for name in given.sources:
            source = directory / name
            compare(f"{name} to archive", ("archived", source, ours), ("copied", source, plain), size, given.rounds)
        for title, case in (("single times", "read_single"), ("in order, four at once", "read_in_order")):
            compare(title, (case, ours, none), (case, plain, none), size, given.rounds)


if __name__ == "__main__":
    main()
