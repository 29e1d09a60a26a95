"""Small analyses and catalogue entries that several tests build on."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
import xarray as xr

from data_catalog.catalog import DatasetEntry
from data_catalog.layout.coordinates import LATITUDE_ATTRIBUTES, LONGITUDE_ATTRIBUTES
from data_catalog.layout.variables import channel

MakeAnalysis = Callable[..., xr.Dataset]
_TYPICAL = {"z500": (54e3, 2e3), "t850": (275.0, 10.0), "msl": (101e3, 900.0), "t2m": (280.0, 9.0), "u850": (2.0, 8.0)}


@pytest.fixture
def make_analysis() -> MakeAnalysis:
    """A function that makes a canonical analysis in memory; the same times and seed give the same values."""

    def make(
        channels: tuple[str, ...] = ("msl", "t2m"),
        static: tuple[str, ...] = ("lsm",),
        start: str = "2001-01-01",
        times: int = 20,
        step_hours: int = 24,
        latitude: np.ndarray | None = None,
        longitude: np.ndarray | None = None,
        seed: int = 0,
    ) -> xr.Dataset:
        rows = np.linspace(-67.5, 67.5, 4) if latitude is None else latitude
        columns = np.arange(0.0, 360.0, 45.0) if longitude is None else longitude
        when = np.datetime64(start, "ns") + np.arange(times) * np.timedelta64(step_hours, "h")
        fields = {}
        for number, name in enumerate(channels):
            mean, spread = _TYPICAL[name]
            hours = when.astype("datetime64[h]").astype(np.int64)
            noise = [
                np.random.default_rng([seed, number, hour]).standard_normal((len(rows), len(columns))) for hour in hours
            ]
            values = (mean + spread * np.clip(noise, -3, 3)).astype(np.float32)
            fields[name] = (("time", "latitude", "longitude"), values, channel(name).attributes)
        for name in static:
            land = np.random.default_rng(seed).random((len(rows), len(columns))).astype(np.float32)
            fields[name] = (("latitude", "longitude"), land, channel(name).attributes)
        places = {
            "time": when,
            "latitude": ("latitude", rows, LATITUDE_ATTRIBUTES),
            "longitude": ("longitude", columns, LONGITUDE_ATTRIBUTES),
        }
        return xr.Dataset(fields, places)

    return make


@pytest.fixture
def entry() -> DatasetEntry:
    """A dataset of two channels and one static field."""
    return DatasetEntry(
        name="tiny",
        title="A tiny dataset",
        source="files",
        channels=("msl", "t2m"),
        static=("lsm",),
        step_hours=24,
        period_start=date(2001, 1, 1),
        licence="none",
        description="For tests.",
    )
