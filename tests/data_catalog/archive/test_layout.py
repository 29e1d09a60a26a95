"""The directory of an archive, as other readers see it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]


def test_any_zarr_reader_can_read_it(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    analysis = make_analysis(times=20)
    ingest(entry, analysis, archive)
    xr.testing.assert_equal(xr.open_zarr(archive).compute(), analysis)


def test_a_foreign_directory_is_not_overwritten(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    archive.mkdir()
    (archive / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match=r"expected an archive or nothing, found something without ledger"):
        ingest(entry, make_analysis(), archive)
    assert (archive / "thesis.txt").read_text() == "years of work"


def test_a_ledger_without_its_last_lines_is_an_error(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(times=20), archive)
    ledger = archive / "ledger.jsonl"
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-2]))
    with pytest.raises(InvalidDataError, match="expected 20 times, found 16: its last lines are lost"):
        open_archive(archive)
