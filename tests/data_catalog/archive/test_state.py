"""The state of an archive."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry

MakeAnalysis = Callable[..., xr.Dataset]


def test_holes_are_found_and_filled(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    whole = make_analysis(times=20)
    ingest(entry, whole.isel(time=[*range(5), *range(8, 20)]), archive)
    state = inspect_archive(archive)
    np.testing.assert_array_equal(state.holes, whole["time"].values[5:8])
    assert state.sound
    summary = ingest(entry, whole, archive)
    assert (summary.added, summary.filled) == (3, 3)
    assert inspect_archive(archive).holes.size == 0
    xr.testing.assert_equal(open_archive(archive).compute(), whole)
