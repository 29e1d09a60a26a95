"""Blocks are committed together, in one write of the ledger, also where the block ends in an error."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]


def test_what_came_before_an_error_is_committed(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_catalog.archive.writer._BYTES_AT_ONCE", 1)
    analysis = make_analysis(times=40)
    bad = analysis.copy(deep=True)
    bad["msl"][33, 0, 0] = np.nan
    with pytest.raises(InvalidDataError, match="msl at 2001-02-03"):
        ingest(entry, bad.chunk({"time": 8}), archive)
    xr.testing.assert_equal(open_archive(archive).compute(), analysis.isel(time=slice(0, 32)))
    assert ingest(entry, analysis, archive).added == 8
    assert inspect_archive(archive, deep=True).sound


def test_blocks_are_committed_in_few_writes(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_catalog.archive.writer._BYTES_AT_ONCE", 1)
    append = Mock(wraps=__import__("data_catalog.archive.ledger", fromlist=["_"]).append_durably)
    monkeypatch.setattr("data_catalog.archive.ledger.append_durably", append)
    ingest(entry, make_analysis(times=29), archive)
    together = append.call_count
    monkeypatch.setattr("data_catalog.archive.committing._SECONDS", 0.0)
    append.reset_mock()
    ingest(entry, make_analysis(times=29), archive.with_name("slowly.zarr"))
    assert append.call_count == together + 3
    lines = [path.joinpath("ledger.jsonl").read_bytes() for path in (archive, archive.with_name("slowly.zarr"))]
    assert lines[0] == lines[1]
