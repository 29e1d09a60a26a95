"""Scheduled ingests ask again for what a source did not have, and only for that and for what is new."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError, NeverAvailableError
from data_catalog.sources.open_source import between
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
