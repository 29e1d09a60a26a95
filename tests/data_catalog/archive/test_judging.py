"""The times of an archive are judged as they come."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.healing import archive_faults
from data_catalog.archive.ingest import ingest
from data_catalog.archive.judging import judge_archive, read_verdicts
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.bundled import SPEEDY_SAMPLE
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.canonical import canonicalise

ENTRY = DatasetEntry(
    name="part",
    title="A part of the bundled weather",
    source="files",
    channels=("t850", "msl"),
    step_hours=24,
    period_start=date(2008, 1, 1),
    licence="none",
    description="For tests.",
)


@pytest.fixture(scope="module")
def weather() -> xr.Dataset:
    with xr.open_dataset(SPEEDY_SAMPLE) as opened:
        part = opened[["t850", "msl"]].isel(time=slice(0, 60), latitude=slice(18, 30), longitude=slice(0, 20)).load()
    return canonicalise(part)


def _spoiled(weather: xr.Dataset, day: int) -> xr.Dataset:
    wrong = weather.copy(deep=True)
    wrong["t850"][day] = wrong["t850"].values[day, ::-1]
    return wrong


def test_a_first_ingest_is_judged_by_itself(weather: xr.Dataset, archive: Path) -> None:
    summary = ingest(ENTRY, _spoiled(weather, 40), archive)
    assert [(one.channel, str(one.time)[:10]) for one in summary.suspect] == [("t850", "2008-02-10")]
    verdicts = read_verdicts(archive)
    assert len(verdicts.reasons) == 60
    assert verdicts.state(np.datetime64("2008-02-10"), "t850")[0] == "suspect"
    assert verdicts.state(np.datetime64("2008-02-10"), "msl") == ("good", "")
    assert archive_faults(archive) == ()
    assert open_archive(archive).sizes["time"] == 60


def test_appended_times_are_judged_and_nothing_twice(weather: xr.Dataset, archive: Path) -> None:
    ingest(ENTRY, weather.isel(time=slice(0, 50)), archive)
    summary = ingest(ENTRY, _spoiled(weather, 55), archive)
    assert [str(one.time)[:10] for one in summary.suspect] == ["2008-02-25"]
    assert summary.not_judged == 0
    before = (archive / "ledger.jsonl").read_bytes()
    assert ingest(ENTRY, _spoiled(weather, 55), archive).suspect == ()
    assert (archive / "ledger.jsonl").read_bytes() == before


def test_few_times_wait_until_there_are_more(weather: xr.Dataset, archive: Path) -> None:
    assert ingest(ENTRY, weather.isel(time=slice(0, 20)), archive).not_judged == 20
    assert ingest(ENTRY, weather.isel(time=slice(0, 40)), archive).not_judged == 0


def test_corrected_times_are_judged_again(weather: xr.Dataset, archive: Path) -> None:
    ingest(ENTRY, _spoiled(weather, 40), archive)
    ingest(ENTRY, weather, archive, replace=True)
    assert read_verdicts(archive).suspect == ()
    assert len(read_verdicts(archive).reasons) == 60


def test_an_altered_verdict_is_found(weather: xr.Dataset, archive: Path) -> None:
    ingest(ENTRY, _spoiled(weather, 40), archive)
    ledger = archive / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"t850":"', b'"msl0":"', 1))
    assert archive_faults(archive) != ()


def test_an_archive_without_verdicts_is_judged_on_request(
    weather: xr.Dataset, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_catalog.archive.ingest.judge_new", lambda *_: None)
    ingest(ENTRY, weather, archive)
    assert read_verdicts(archive).state(np.datetime64("2008-01-05"), "msl") == ("not judged", "")
    assert len(judge_archive(archive, Ledger.read(archive)).reasons) == 60
    assert archive_faults(archive) == ()
