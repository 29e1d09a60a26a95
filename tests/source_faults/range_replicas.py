"""Small stores that are read by ranges of files: NOAA's and ECMWF's buckets, references of kerchunk, NetCDF by year."""

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.catalog import DatasetEntry
from data_catalog.sources.ecmwf_open_data import file_path, index_path
from data_catalog.sources.gfs import gfs_addresses
from tests.data_catalog.sources.grib.buckets import put
from tests.data_catalog.sources.grib.writing import message, on_level
from tests.data_catalog.sources.test_ncep_r1 import put as put_year
from tests.source_faults.replicas import STORE, weatherbench2, write_store

TIMES = np.arange("2026-05-11T00", "2026-05-14T00", 6, dtype="M8[h]")
_PIECES = 6


def range_entries() -> list[DatasetEntry]:
    """The datasets of the replicas, one for each kind of source."""
    return [
        _entry("gfs", ("z500", "t850", "t2m", "msl"), ("lsm",)),
        _entry("ecmwf-open-data", ("z500", "t850", "t2m", "msl"), ("lsm",)),
        _entry("files", ("t850", "t2m", "msl"), ("lsm",)),
        _entry("ncep-r1", ("z500", "t850", "msl"), (), step_hours=24, start=date(2020, 12, 20)),
    ]


def _entry(
    source: str,
    channels: tuple[str, ...],
    static: tuple[str, ...],
    step_hours: int = 6,
    start: date = date(2026, 5, 11),
) -> DatasetEntry:
    is_dated, end = source != "files", date(2021, 1, 10) if source == "ncep-r1" else date(2026, 5, 13)
    return DatasetEntry.model_validate(
        {
            "name": "replica", "title": "Replica", "source": source, "location": "-", "channels": channels,
            "static": static, "step_hours": step_hours, "period_start": start if is_dated else date(1979, 1, 1),
            "period_end": end if is_dated else None, "licence": "none", "description": "For tests.",
        }
    )  # fmt: skip


def write_ranges(entry: DatasetEntry, directory: Path) -> str:
    """Write what a dataset is read from below `era5.zarr`, and return the path of its location below that.

    Args:
        entry: From `range_entries`.
        directory: Where to write.
    """
    root = directory / STORE
    root.mkdir(parents=True)
    if entry.source == "gfs":
        for number, start in enumerate(TIMES):
            put(root, gfs_addresses(start)[0].path, start, number % 4, [*entry.channels, *entry.static, "u10"])
    elif entry.source == "ecmwf-open-data":
        for number, start in enumerate(TIMES):
            _put_ecmwf(root, number % 4, start)
    elif entry.source == "ncep-r1":
        for name in ("z", "t", "msl"):
            for year, days in ((2020, 366), (2021, 10)):
                put_year(root, name, year, days)
    else:
        _put_references(directory, root)
        return "/refs.json"
    return ""


def _put_ecmwf(root: Path, number: int, start: np.datetime64) -> None:
    day, hour = str(start.astype("M8[D]")).replace("-", ""), int(start.astype(int) % 24)
    keys = {"dataDate": int(day), "dataTime": 100 * hour, "dataType": "fc", "packingType": "grid_ccsds"}
    fields = [
        ("10u", None, message("10u", **keys)),
        ("2t", None, message("2t", shift=number, **keys)),
        ("msl", None, message("msl", shift=number, **keys)),
        ("gh", 500, on_level("gh", 500, shift=number, **keys)),
        ("t", 850, on_level("t", 850, shift=number, **keys)),
        ("lsm", None, message("lsm", values=np.full((4, 6), 0.5), **keys)),
    ]
    lines, content = [], b""
    for param, level, one in fields:
        line: dict[str, Any] = {"param": param, "levtype": "sfc" if level is None else "pl", "step": "0"}
        line |= {"_offset": len(content), "_length": len(one)} | ({} if level is None else {"levelist": str(level)})
        lines.append(json.dumps(line))
        content += one
    path = root / file_path(start, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    (root / index_path(file_path(start, 0))).write_text("\n".join(lines) + "\n")


def _put_references(directory: Path, root: Path) -> None:
    """The store of another replica, its chunks in some files of bytes, each named by a relative path."""
    store = write_store(weatherbench2(), directory / "plain")
    blobs, refs = [b""] * _PIECES, dict[str, Any]()
    chunks = sorted(path for path in store.rglob("*") if path.is_file())
    for number, path in enumerate(chunks):
        key, content = str(path.relative_to(store)), path.read_bytes()
        if path.name.startswith("."):
            refs[key] = content.decode()
        elif key.startswith(("time/", "level/", "latitude/", "longitude/")):
            refs[key] = "base64:" + base64.b64encode(content).decode()
        else:
            which = number % _PIECES
            refs[key] = [f"chunks.{which}.bin", len(blobs[which]), len(content)]
            blobs[which] += content
    (root / "refs.json").write_text(json.dumps({"version": 1, "refs": refs}))
    for which, blob in enumerate(blobs):
        (root / f"chunks.{which}.bin").write_bytes(blob)


def expected_of(entry: DatasetEntry, opened: xr.Dataset) -> xr.Dataset:
    """The values that are right, read where nothing fails; more of them than one would need prove nothing.

    Args:
        entry: The dataset.
        opened: As it is read from a server without faults.
    """
    loaded = opened.load()
    assert loaded.sizes["time"] >= len(TIMES) or entry.source == "files", entry.source
    return loaded
