"""Analyses are opened from archives and files."""

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.archive.ingest import ingest
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]


def test_open_analysis_reads_archives(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    analysis = make_analysis()
    ingest(entry, analysis, archive)
    found = open_analysis(archive, ["t2m"], ["lsm"])
    assert list(found.data_vars) == ["t2m", "lsm"]
    xr.testing.assert_equal(found.compute(), analysis[["t2m", "lsm"]])
    with pytest.raises(InvalidDataError, match="expected channel z500"):
        open_analysis(archive, ["z500"])
