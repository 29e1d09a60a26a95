"""An ingest month by month: what it asks for, and what it tells of each month."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import (
    ConfigurationError,
    InvalidDataError,
    MissingDataError,
    NeverAvailableError,
    UnreachableError,
)
from data_catalog.sources.absences import Absence, with_absences
from data_catalog.sources.open_source import between
from pipelines.data import monthly_ingest as monthly
from pipelines.data.monthly_ingest import MonthlyIngest, MonthResult
from pipelines.data.months import Month
from pipelines.workspace.home import Home
from tests.archive_damage.tiny import ENTRY, make_analysis

FIRST_DAY = np.datetime64("2001-01-20", "ns")


class Source:
    """A source of days from 20 January 2001, which records what it is asked for."""

    def __init__(self, days: int) -> None:
        tiny = make_analysis()
        whole = xr.concat([tiny, tiny + 0.5], "time", data_vars="minimal", coords="minimal", compat="override")
        whole = whole.assign_coords(time=FIRST_DAY + np.arange(28) * np.timedelta64(1, "D")).isel(time=slice(days))
        for name in tiny:
            whole[name].attrs = tiny[name].attrs
        self.whole, self.there = whole, np.ones(days, bool)
        self.absences: list[Absence] = []
        self.asked: list[tuple[str, str]] = []

    def open(self, entry: DatasetEntry, location: str | None, start: object, end: object) -> xr.Dataset:
        self.asked.append((str(start)[:10], str(end)[:10]))
        offered = with_absences(self.whole.isel(time=self.there), self.absences)
        return between(offered, start, end, where="tiny")  # type: ignore[arg-type]


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    made = Source(28)
    monkeypatch.setattr(monthly, "open_dataset_source", made.open)
    return made


@pytest.fixture
def request_(tmp_path: Path) -> MonthlyIngest:
    return MonthlyIngest(Home(tmp_path), ENTRY, tmp_path / "tiny.zarr", "x")


def ingest_all(request: MonthlyIngest, start: date | None = None, end: date | None = None) -> list[MonthResult]:
    results = [monthly.ingest_month(request, month) for month in monthly.plan_months(request, start, end)]
    monthly.note_lacking(request, results)
    return results


def test_months_come_one_after_the_other(source: Source, request_: MonthlyIngest) -> None:
    january, february = ingest_all(request_)
    assert source.asked == [("None", "None"), ("2001-01-20", "2001-01-31"), ("2001-02-01", "None")]
    assert [(one.added, one.known, one.lacking) for one in (january, february)] == [(12, 0, ()), (16, 0, ())]
    xr.testing.assert_equal(open_archive(request_.archive).compute(), source.whole)
    assert monthly.describe_months(request_.archive, [january, february]) == (
        f"{request_.archive}: 28 times added, 0 known, 0 missing; 2 months, 2001-01 to 2001-02 on"
    )


def test_an_archived_month_is_not_asked_for_again(source: Source, request_: MonthlyIngest) -> None:
    period = date(2001, 1, 20), date(2001, 2, 16)
    ingest_all(request_, *period)
    source.asked.clear()
    again = ingest_all(request_, *period)
    assert source.asked == []
    assert [(one.added, one.known) for one in again] == [(0, 12), (0, 16)]
    source.whole["msl"].values[3] += 100
    replaced = MonthlyIngest(request_.home, ENTRY, request_.archive, "x", replace=True)
    assert [(one.added, one.known) for one in ingest_all(replaced, *period)] == [(0, 12), (0, 16)]
    assert float(open_archive(request_.archive)["msl"][3, 0, 0]) == float(source.whole["msl"][3, 0, 0])


def test_what_is_missing_is_told_with_its_reason(source: Source, request_: MonthlyIngest) -> None:
    source.there[[4, 5, 11, 20]] = False
    source.absences = [Absence("2001-02-09", "2001-02-09", "the disk was full")]
    rows = monthly.table(ingest_all(request_, date(2001, 1, 19), date(2001, 2, 16)))
    assert [(row["month"], row["added"], row["known"], row["missing"]) for row in rows] == [
        ("2001-01", 9, 0, 4), ("2001-02", 15, 0, 1),
    ]  # fmt: skip
    why = str(rows[0]["why"])
    assert "2001-01-24T00:00Z to 2001-01-25T00:00Z, 2 times: the source does not have it, asked on" in why
    assert str(rows[1]["why"]).startswith("2001-02-09T00:00Z: the disk was full, asked on")
    known = Ledger.read(request_.archive).holes.by_time
    assert sorted(known) == [f"2001-{day}T00:00:00" for day in ("01-24", "01-25", "01-31", "02-09")]
    assert known["2001-01-31T00:00:00"].reason == "the source does not have it"  # between two months
    source.there[:] = True
    assert [one.added for one in ingest_all(request_, date(2001, 1, 20), date(2001, 2, 16))] == [3, 1]


def test_a_month_that_failed_says_why(source: Source, request_: MonthlyIngest) -> None:
    january, february = monthly.plan_months(request_, date(2001, 1, 20), date(2001, 2, 16))
    source.whole["msl"].values[3] = np.nan
    with pytest.raises(InvalidDataError, match="msl at 2001-01-23T00:00Z") as caught:
        monthly.ingest_month(request_, january)
    failed = monthly.failed_month(request_, january, caught.value)
    results = [failed, monthly.ingest_month(request_, february)]
    monthly.note_lacking(request_, results)
    rows = monthly.table(results)
    assert [(row["added"], row["missing"]) for row in rows] == [(0, 12), (16, 0)]
    assert "msl at 2001-01-23T00:00Z: expected a value" in str(rows[0]["why"])
    broken = monthly.failed_month(request_, january, OSError("https://me:secret@there/x refused"))
    assert "secret" not in broken.lacking[0].reason


def test_an_outage_is_told_and_not_recorded(source: Source, request_: MonthlyIngest) -> None:
    january, february = monthly.plan_months(request_, date(2001, 1, 20), date(2001, 2, 16))
    monthly.ingest_month(request_, february)
    monthly.ingest_month(request_, replace(january, end=date(2001, 1, 25)))
    before = dict(Ledger.read(request_.archive).holes.by_time)
    failed = monthly.failed_month(request_, january, UnreachableError("x: expected an answer, found none"))
    assert "expected an answer" in str(monthly.table([failed])[0]["why"])
    monthly.note_lacking(request_, [failed])
    assert Ledger.read(request_.archive).holes.by_time == before
    monthly.note_lacking(request_, [monthly.failed_month(request_, january, MissingDataError("not yet"))])
    assert {hole.reason for hole in Ledger.read(request_.archive).holes.by_time.values()} == {"not yet"}


def test_a_month_that_never_comes_is_no_failure(
    source: Source, request_: MonthlyIngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(ENTRY, source.whole.isel(time=slice(12)), request_.archive)
    ingest(ENTRY, source.whole.isel(time=slice(26, 28)), request_.archive)
    month = Month(date(2001, 2, 1), date(2001, 2, 14))

    def refuse(*_: object) -> xr.Dataset:
        raise NeverAvailableError("tiny: not from here")

    monkeypatch.setattr(monthly, "open_dataset_source", refuse)
    result = monthly.ingest_month(request_, month)
    assert (result.added, result.known, len(result.lacking)) == (0, 0, 14)
    monthly.note_lacking(request_, [result])
    monkeypatch.setattr(monthly, "open_dataset_source", source.open)
    again = monthly.ingest_month(request_, month)
    assert source.asked == []
    assert str(monthly.table([again])[0]["why"]).endswith("not from here, asked on " + _today() + _NEVER)


def test_many_reasons_are_cut_short(request_: MonthlyIngest, source: Source) -> None:
    source.there[2:27:2] = False
    source.absences = [Absence(f"2001-01-{day}", f"2001-01-{day}", f"reason {day}") for day in range(21, 32)]
    january, _ = ingest_all(request_, date(2001, 1, 18), date(2001, 2, 2))
    why = str(monthly.table([january])[0]["why"])
    assert why.startswith("2001-01-18T00:00Z to 2001-01-19T00:00Z, 2 times: the source does not have it")
    assert why.count("asked on") == 5
    assert "2001-01-28T00:00Z: reason 28" in why
    assert why.endswith("; 1 more")


def test_a_wrong_request_ends_before_anything_is_read(request_: MonthlyIngest, source: Source) -> None:
    with pytest.raises(ConfigurationError, match="expected --source"):
        monthly.plan_months(MonthlyIngest(request_.home, ENTRY, request_.archive), None, None)
    assert source.asked == []
    with pytest.raises(MissingDataError, match="expected times from 2002"):
        monthly.plan_months(request_, date(2002, 1, 1), None)


_NEVER = "; never asked for again"


def _today() -> str:
    return str(np.datetime64("now", "D"))
