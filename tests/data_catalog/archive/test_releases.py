"""Preliminary times of an archive: recorded, asked for again once they may be final, and then replaced."""

from pathlib import Path

import numpy as np
import pytest

from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.archive.releases import Releases
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError
from data_catalog.sources.releases import with_preliminary
from tests.data_catalog.conftest import MakeAnalysis


def test_final_values_are_taken_without_being_asked_to(
    make_analysis: MakeAnalysis, entry: DatasetEntry, tmp_path: Path
) -> None:
    analysis = make_analysis()
    times = analysis["time"].values
    ingest(entry, with_preliminary(analysis, times[-5:]), tmp_path / "a.zarr")
    later = analysis.copy(deep=True)
    later["t2m"][-5:-2] += 1
    assert ingest(entry, with_preliminary(later, times[-2:]), tmp_path / "a.zarr").replaced == 3
    np.testing.assert_array_equal(open_archive(tmp_path / "a.zarr")["t2m"], later["t2m"])
    ledger = Ledger.read(tmp_path / "a.zarr")
    assert sorted(ledger.releases.preliminary) == [str(time)[:19] for time in times[-2:]]
    later["t2m"][0] += 1
    with pytest.raises(InvalidDataError, match=r"2001-01-01.*expected the archived values, found others"):
        ingest(entry, with_preliminary(later, times[-2:]), tmp_path / "a.zarr")


def test_a_source_without_releases_changes_nothing(
    make_analysis: MakeAnalysis, entry: DatasetEntry, tmp_path: Path
) -> None:
    analysis = make_analysis()
    ingest(entry, with_preliminary(analysis, analysis["time"].values[:1]), tmp_path / "a.zarr")
    before = (tmp_path / "a.zarr" / "ledger.jsonl").read_bytes()
    ingest(entry, analysis, tmp_path / "a.zarr")
    ingest(entry, with_preliminary(analysis, analysis["time"].values[:1]), tmp_path / "a.zarr")
    assert (tmp_path / "a.zarr" / "ledger.jsonl").read_bytes() == before


def test_old_preliminary_times_are_wanted_again_month_by_month() -> None:
    now = np.datetime64("now", "D").astype("datetime64[s]")
    times = [now - np.timedelta64(days, "D") for days in (10, 61, 70, 71, 130)]
    wanted = Releases({str(time) for time in times}).wanted()
    assert wanted[0][0] == times[4]
    assert wanted[-1][1] == times[2]
    assert len(wanted) in (2, 3)
