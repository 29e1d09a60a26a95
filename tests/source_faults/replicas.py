"""Small stores in the layouts of ARCO-ERA5 and WeatherBench2, and the datasets that are read from them."""

from datetime import date
from pathlib import Path

import numcodecs
import numpy as np
import xarray as xr

from data_catalog.catalog import DatasetEntry

LEVELS = [500, 850]
DAYS = 4
STORE = "era5.zarr"
_FIELDS = {
    "temperature": (270.0, "K", True),
    "2m_temperature": (285.0, "K", False),
    "mean_sea_level_pressure": (101e3, "Pa", False),
}


def arco_era5() -> DatasetEntry:
    """The dataset of a replica of ARCO-ERA5: hourly, a chunk holds one time, and the time axis runs past the data."""
    return _entry("arco-era5", step_hours=6)


def weatherbench2() -> DatasetEntry:
    """The dataset of a replica of WeatherBench2: 6-hourly, (longitude, latitude), several times in a chunk."""
    return _entry("weatherbench2", step_hours=6)


def _entry(source: str, step_hours: int) -> DatasetEntry:
    return DatasetEntry.model_validate(
        {
            "name": "replica", "title": "Replica", "source": source, "location": "-",
            "channels": ("t850", "t2m", "msl"), "static": ("lsm",), "step_hours": step_hours,
            "period_start": date(1979, 1, 1), "licence": "none", "description": "For tests.",
        }
    )  # fmt: skip


def write_store(entry: DatasetEntry, directory: Path) -> Path:
    """Write the store that a dataset is read from.

    Args:
        entry: From `arco_era5` or `weatherbench2`.
        directory: Where to write it; the store is `era5.zarr` in it.
    """
    is_arco = entry.source == "arco-era5"
    replica = _weather(hours=1 if is_arco else 6, extra=24 if is_arco else 0)
    if is_arco:
        replica = replica.assign_attrs(valid_time_start="1979-01-01", valid_time_stop=f"1979-01-{DAYS:02d}")
    else:
        replica = replica.transpose("time", "level", "longitude", "latitude")
    compressor = numcodecs.Blosc(cname="lz4", clevel=5, shuffle=numcodecs.Blosc.SHUFFLE)
    encoding = {
        name: {"chunks": tuple((1 if is_arco else 3) if dim == "time" else size for dim, size in field.sizes.items())}
        | {"compressors": (compressor,)}
        for name, field in replica.items()
    }
    replica.to_zarr(directory / STORE, zarr_format=2, consolidated=True, encoding=encoding)
    return directory / STORE


def _weather(hours: int, extra: int) -> xr.Dataset:
    rng = np.random.default_rng(3)
    steps = DAYS * 24 // hours
    time = np.datetime64("1979-01-01", "ns") + np.arange(steps + extra) * np.timedelta64(hours, "h")
    places = {"level": LEVELS, "latitude": np.linspace(80, -80, 9), "longitude": np.arange(12) * 30.0}
    fields = {}
    for name, (mean, units, on_levels) in _FIELDS.items():
        dims = ("time", *(("level",) if on_levels else ()), "latitude", "longitude")
        shape = [time.size if dim == "time" else len(places[dim]) for dim in dims]
        values = (mean * (1 + 0.02 * rng.random(shape))).astype(np.float32)
        fields[name] = (dims, values, {"units": units})
    fields["land_sea_mask"] = (("latitude", "longitude"), rng.random((9, 12)).astype(np.float32), {"units": "(0 - 1)"})
    return xr.Dataset(fields, {"time": time, **places})
