"""A tiny dataset whose archive is damaged."""

from datetime import date

import numpy as np
import xarray as xr

from data_catalog.archive import contents, series
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.variables import channel

ENTRY = DatasetEntry(
    name="tiny", title="Tiny", source="files", channels=("msl", "t2m"), static=("lsm",), step_hours=24,
    period_start=date(2001, 1, 1), licence="none", description="For tests.",
)  # fmt: skip
TIMES = np.datetime64("2001-01-01", "ns") + np.arange(14) * np.timedelta64(1, "D")
PARTS = ((0, 3), (0, 9), (5, 14))
"""Each ingest brings some of the times so far and more: the last block is filled up."""


def make_analysis() -> xr.Dataset:
    """The analysis that is ingested; always the same."""
    rng = np.random.default_rng(0)
    places = {"time": TIMES, "latitude": [-30.0, 30.0], "longitude": [0.0, 90.0, 180.0, 270.0]}
    dims = ("time", "latitude", "longitude")
    return xr.Dataset(
        {
            "msl": (dims, rng.uniform(98e3, 103e3, (14, 2, 4)).astype(np.float32), channel("msl").attributes),
            "t2m": (dims, rng.uniform(270, 290, (14, 2, 4)).astype(np.float32), channel("t2m").attributes),
            "lsm": (dims[1:], rng.random((2, 4)).astype(np.float32), channel("lsm").attributes),
        },
        places,
    )


def small_blocks() -> None:
    """Put four times into a chunk, so that a tiny archive and its twin have several."""
    contents.times_per_block = lambda points: 4  # type: ignore[attr-defined]
    series._CHUNK_BYTES = 1  # a chunk of the twin is a point
