"""Scheduled ingests ask again for what a source did not have, and only for that and for what is new."""

from datetime import date
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError, MissingDataError, NeverAvailableError, UnreachableError
from data_catalog.sources.open_source import between
from data_catalog.sources.releases import with_preliminary
from pipelines.data import holes
from pipelines.data.ingest import ingest_dataset, ingest_new
from pipelines.workspace.home import Home
from tests.archive_damage.tiny import ENTRY, make_analysis


class Source:
    """A source whose times are set by a test, and which records what it is asked for."""

    def __init__(self, whole: xr.Dataset) -> None:
        self.whole = whole
        self.there = np.ones(whole.sizes["time"], bool)
        self.asked: list[tuple[str, str]] = []

    def open(self, entry: DatasetEntry, location: str | None, start: object, end: object) -> xr.Dataset:
        self.asked.append((str(start)[:10], str(end)[:10]))
        return between(self.whole.isel(time=self.there), start, end, where="tiny")  # type: ignore[arg-type]


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    source = Source(make_analysis())
    monkeypatch.setattr("pipelines.data.holes.open_dataset_source", source.open)
    monkeypatch.setattr("pipelines.data.ingest.open_dataset_source", source.open)
    return source


@pytest.fixture
def place(tmp_path: Path, source: Source) -> Home:
    """An archive that lacks four days in two places."""
    source.there[[4, 5, 8, 9, 12, 13]] = False
    place = Home(tmp_path)
    ingest_dataset(ENTRY, place.archive("tiny"), source="x")
    source.asked.clear()
    return place


def test_late_days_come_with_a_later_cycle(place: Home, source: Source) -> None:
    source.there[[5, 12]] = True
    archive = ingest_new(place, ENTRY, "x")
    assert source.asked == [("2001-01-12", "None"), ("2001-01-05", "2001-01-06"), ("2001-01-09", "2001-01-10")]
    assert open_archive(archive).sizes["time"] == 10
    known = Ledger.read(archive).holes.by_time
    assert known["2001-01-10T00:00:00"].reason.startswith("tiny: expected times from 2001-01-09T00:00Z to")
    source.there[:] = True
    ingest_new(place, ENTRY, "x")
    xr.testing.assert_equal(open_archive(archive).compute(), source.whole)
    source.asked.clear()
    ingest_new(place, ENTRY, "x")
    assert source.asked == [("2001-01-14", "None")]


def test_what_never_comes_is_not_asked_for_again(place: Home, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    source.there[12] = True

    def refuse(entry: DatasetEntry, location: str | None, start: object, end: object) -> xr.Dataset:
        raise (NeverAvailableError if str(start) < "2001-01-07" else InvalidDataError)("not from here")

    monkeypatch.setattr("pipelines.data.holes.open_dataset_source", refuse)
    archive = ingest_new(place, ENTRY, "x")
    assert open_archive(archive).sizes["time"] == 9
    monkeypatch.setattr("pipelines.data.holes.open_dataset_source", source.open)
    source.asked.clear()
    assert holes.fill_holes(ENTRY, archive, "x") == 0
    assert source.asked == [("2001-01-09", "2001-01-10")]


def test_a_hole_with_wrong_values_stops_nothing(place: Home, source: Source) -> None:
    source.there[:] = True
    source.whole["msl"].values[4] = np.nan
    archive = ingest_new(place, ENTRY, "x")
    assert open_archive(archive).sizes["time"] == 12
    assert (
        "msl at 2001-01-05T00:00Z: expected a value" in Ledger.read(archive).holes.by_time["2001-01-05T00:00:00"].reason
    )


def test_an_outage_is_no_reason_of_a_hole(place: Home, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = place.archive("tiny")
    before = dict(Ledger.read(archive).holes.by_time)

    def lost(entry: DatasetEntry, location: str | None, start: object, end: object) -> xr.Dataset:
        raise UnreachableError("x: expected an answer, found HTTP status 503")

    monkeypatch.setattr("pipelines.data.holes.open_dataset_source", lost)
    assert holes.fill_holes(ENTRY, archive, "x") == 0
    assert Ledger.read(archive).holes.by_time == before


def test_old_preliminary_times_are_made_final(place: Home, source: Source, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "plumecast")
    archive, times = place.archive("tiny"), source.whole["time"].values
    ingest(ENTRY, with_preliminary(source.open(ENTRY, None, None, None), times[:2]), archive)
    assert len(Ledger.read(archive).releases.preliminary) == 2
    source.whole["msl"].values[0] += 1
    source.whole = with_preliminary(source.whole, times[:0])
    source.asked.clear()
    holes.fill_holes(ENTRY, archive, "x")
    assert (str(times[0])[:10], str(times[1])[:10]) in source.asked
    assert Ledger.read(archive).releases.preliminary == set()
    assert float(open_archive(archive)["msl"][0, 0, 0]) == float(source.whole["msl"][0, 0, 0])
    assert "1 preliminary times" in caplog.text


@pytest.fixture
def monthly(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetEntry:
    """The dataset as of a source that asks for something of each time."""
    monkeypatch.setattr("pipelines.data.months.MONTHLY_SOURCES", frozenset({ENTRY.source}))
    source.whole = source.whole.assign_coords(time=source.whole["time"] + np.timedelta64(25, "D"))
    return ENTRY.model_copy(update={"period_end": None})


def test_a_source_is_read_month_by_month(monthly: DatasetEntry, source: Source, tmp_path: Path) -> None:
    archive, times = tmp_path / "m.zarr", source.whole["time"].values
    first, last = (date.fromisoformat(str(times[at])[:10]) for at in (0, -1))
    summary = ingest_dataset(monthly, archive, source="x", start=first, end=last)
    assert source.asked == [(str(first), "2001-01-31"), ("2001-02-01", str(last))]
    assert summary.added == len(times)
    source.asked.clear()
    summary = ingest_dataset(monthly, archive, source="x", start=first, end=last)
    assert source.asked == [("2001-02-01", str(last))]  # the last is compared again, a complete month is not
    assert summary.added == 0


def test_a_month_that_is_not_there_is_left_out_and_an_outage_ends_the_ingest(
    monthly: DatasetEntry, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(entry: DatasetEntry, location: str | None, start: object, end: object) -> xr.Dataset:
        if str(start) < "2001":
            raise MissingDataError("x: expected analyses, found none there")
        return source.open(entry, location, start, end)

    monkeypatch.setattr("pipelines.data.ingest.open_dataset_source", opened)
    period = {"start": date(2000, 12, 1), "end": date(2001, 1, 31)}
    assert ingest_dataset(monthly, tmp_path / "m.zarr", source="x", **period).added == 6
    error = UnreachableError("x: expected an answer, found HTTP status 503")
    monkeypatch.setattr("pipelines.data.ingest.open_dataset_source", Mock(side_effect=error))
    with pytest.raises(UnreachableError):
        ingest_dataset(monthly, tmp_path / "m.zarr", source="x", **period)
