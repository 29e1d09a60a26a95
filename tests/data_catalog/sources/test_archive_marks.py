"""Archives are told from other Zarr groups, and refused without their ledger."""

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.archive.ingest import ingest
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError
from data_catalog.sources.archive_marks import is_archive_group
from plumecast.analyses import open_archive

MakeAnalysis = Callable[..., xr.Dataset]


def test_archives_are_known_by_their_attributes(entry: DatasetEntry, make_analysis: MakeAnalysis) -> None:
    older = {"dataset": "x", "simulated": "false", "license": "", "references": "", "source": "", "title": ""}
    assert is_archive_group(older)
    assert is_archive_group({"plumecast_ledger": "0"})
    assert not is_archive_group({"title": "ERA5", "license": "CC-BY-4.0", "source": "ECMWF", "references": ""})


def test_an_archive_without_its_ledger_is_not_read_as_any_zarr_group(
    entry: DatasetEntry, make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    archive = tmp_path / "tiny.zarr"
    ingest(entry, make_analysis(), archive)
    (archive / "ledger.jsonl").unlink()
    for opened in (lambda: open_analysis(archive, ["msl"]), lambda: open_archive(archive)):
        with pytest.raises(
            InvalidDataError, match=r"expected the archive's ledger\.jsonl, found none; mend it with .* heal tiny'"
        ):
            opened()
