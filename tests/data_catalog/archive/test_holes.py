"""Holes are recorded with reason and day, filled, and asked for until the source says never."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.holes import NOT_THERE, Hole, Holes, described, record_of
from data_catalog.archive.ingest import ingest, note_asked
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.sources.absences import Absence, with_absences

MakeAnalysis = Callable[..., xr.Dataset]
DAY = np.timedelta64(1, "D")


def _days(*numbers: int) -> np.ndarray:
    return np.datetime64("2001-01-01", "ns") + np.array(numbers) * DAY


def _known(archive: Path) -> dict[str, tuple[str, bool]]:
    return {time[:10]: (hole.reason, hole.never) for time, hole in Ledger.read(archive).holes.by_time.items()}


def test_an_ingest_records_what_it_asked_for_in_vain(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    whole = make_analysis(times=20)
    gappy = with_absences(
        whole.isel(time=[0, 1, 2, 5, 6, 7, 8, 10, 11]), [Absence("2001-01-10", "2001-01-10", "all missing", never=True)]
    )
    identity = ingest(entry, gappy, archive).identity
    assert identity == ingest(entry, gappy.isel(time=slice(0, 9)), archive.with_name("other.zarr")).identity
    assert _known(archive) == {
        "2001-01-04": (NOT_THERE, False), "2001-01-05": (NOT_THERE, False), "2001-01-10": ("all missing", True),
    }  # fmt: skip
    today = datetime.now(UTC).date().isoformat()
    assert {hole.asked for hole in Ledger.read(archive).holes.by_time.values()} == {today}
    assert inspect_archive(archive, deep=True).sound
    before = (archive / "ledger.jsonl").read_bytes()
    ingest(entry, gappy, archive)
    assert (archive / "ledger.jsonl").read_bytes() == before  # the same day, the same reasons
    summary = ingest(entry, whole, archive)
    assert (summary.filled, summary.known) == (3, 9)
    assert _known(archive) == {}
    assert inspect_archive(archive, deep=True).sound


def test_only_what_may_still_come_is_asked_for(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    ingest(entry, make_analysis(times=40).isel(time=[0, 1, 2, 5, 6, 7, 9, 10, 20, 21]), archive)
    ledger = Ledger.read(archive)
    assert ledger.holes.wanted(ledger.arrival_times()) == [
        tuple(_days(3, 4)), tuple(_days(8, 8)), tuple(_days(11, 19)),
    ]  # fmt: skip
    note_asked(archive, *_days(3, 8), [Absence("", "2001-01-04", "begins later", never=True), Absence("", "", "late")])
    ledger = Ledger.read(archive)
    assert ledger.holes.wanted(ledger.arrival_times())[0] == tuple(_days(4, 4))
    note_asked(archive, *_days(3, 3), [Absence("", "", "late")])
    assert _known(archive)["2001-01-04"] == ("begins later", True)  # never is never
    assert _known(archive)["2001-01-09"] == ("late", False)
    state, asked = inspect_archive(archive), f"asked on {datetime.now(UTC).date()}"
    assert list(described(Ledger.read(archive).holes, state.holes, state.times)) == [
        f"2001-01-04T00:00Z: begins later, {asked}; never asked for again",
        f"2001-01-05T00:00Z: late, {asked}",
        f"2001-01-09T00:00Z: late, {asked}",  # there are times between this one and that before
        f"2001-01-12T00:00Z to 2001-01-20T00:00Z, 9 times: {NOT_THERE}, {asked}",
    ]
    assert list(described(Holes(), _days(2, 3), _days(1, 4))) == [
        "2001-01-03T00:00Z to 2001-01-04T00:00Z, 2 times: no source was asked for it yet"
    ]


def test_many_holes_are_a_few_spans() -> None:
    times = _days(*(day for day in range(400) if day % 10))
    windows = Holes().wanted(times)
    assert len(windows) == 8
    assert (windows[0][0], windows[-1][1]) == (_days(10)[0], _days(390)[0])
    assert Holes().wanted(_days(0, 1, 2)) == []


@pytest.mark.parametrize("numbers", [(3,), (3, 4, 5), (3, 5, 7, 8, 9), (1, 2, 40)])
def test_runs_are_taken_up_as_they_were_noted(numbers: tuple[int, ...]) -> None:
    noted = [Hole(str(day.astype("M8[s]")), "late", "2026-11-30", never=False) for day in _days(*numbers)]
    noted.append(Hole("2001-03-01T00:00:00", "gone", "2026-11-30", never=True))
    found = Holes()
    found.add(record_of(noted))
    assert [*found.by_time.values()] == noted
