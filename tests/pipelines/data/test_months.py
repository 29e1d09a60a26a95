"""Calendar months of a period, and what an archive lacks of them."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from data_catalog.archive.ingest import ingest, note_asked
from data_catalog.errors import ConfigurationError
from data_catalog.sources.absences import Absence
from pipelines.data.months import Month, is_complete, lacking_times, months_of, parts_to_ask_for, readable_ledger
from tests.archive_damage.tiny import ENTRY, TIMES, make_analysis


def test_a_period_is_split_at_the_turn_of_each_month() -> None:
    assert months_of(date(2007, 12, 30), date(2008, 2, 3)) == (
        Month(date(2007, 12, 30), date(2007, 12, 31)),
        Month(date(2008, 1, 1), date(2008, 1, 31)),
        Month(date(2008, 2, 1), date(2008, 2, 3)),
    )
    inside = datetime(2008, 1, 2, 6), datetime(2008, 1, 2, 18)
    assert months_of(*inside) == (Month(*inside),)
    assert months_of(date(2008, 2, 29), date(2008, 2, 29)) == (Month(date(2008, 2, 29), date(2008, 2, 29)),)


def test_the_last_month_may_be_open() -> None:
    *_, last = months_of(date(2007, 12, 30), date(2008, 2, 3), is_open=True)
    assert (last, last.name) == (Month(date(2008, 2, 1), None), "2008-02 on")
    assert last.holds(np.array(["2008-01-31", "2008-02-01", "2030-01-01"], "datetime64[ns]")).tolist() == [
        False, True, True,
    ]  # fmt: skip


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--end: expected a time from 2008-02-01 on, found 2008-01-31"):
        months_of(date(2008, 2, 1), date(2008, 1, 31))


@pytest.mark.parametrize(
    ("month", "lacking"),
    [
        (Month(date(2001, 1, 1), date(2001, 1, 14)), [3, 5]),
        (Month(date(2001, 1, 4), date(2001, 1, 5)), [3]),
        (Month(date(2001, 1, 5), date(2001, 1, 5)), []),
        (Month(datetime(2001, 1, 5, 12), None), [5]),
    ],
)
def test_lacking_times_follow_the_step_of_the_archive(month: Month, lacking: list[int]) -> None:
    archived = np.delete(TIMES, [3, 5])
    assert lacking_times(ENTRY, archived, month).tolist() == TIMES[lacking].tolist()


def test_lacking_times_keep_the_hour_of_the_archive() -> None:
    archived = TIMES[2:8] + np.timedelta64(12, "h")
    lacking = lacking_times(ENTRY, archived, Month(date(2001, 1, 1), date(2001, 1, 9)))
    assert lacking.astype("datetime64[h]").astype(str).tolist() == ["2001-01-01T12", "2001-01-02T12", "2001-01-09T12"]
    none = np.array([], "datetime64[ns]")
    assert lacking_times(ENTRY, none, Month(date(2001, 1, 1), date(2001, 1, 2))).tolist() == TIMES[:2].tolist()
    assert not lacking_times(ENTRY, none, Month(date(2001, 1, 1), None)).size


def test_a_month_is_complete_once_nothing_more_can_come(tmp_path: Path) -> None:
    archive, month = tmp_path / "tiny.zarr", Month(date(2001, 1, 1), date(2001, 1, 10))
    assert not is_complete(ENTRY, archive, month)
    ingest(ENTRY, make_analysis().isel(time=[0, 1, 2, 4, 5, 6, 7, 8, 9, 10]), archive)
    assert not is_complete(ENTRY, archive, month)
    assert is_complete(ENTRY, archive, Month(date(2001, 1, 5), date(2001, 1, 10)))
    assert not is_complete(ENTRY, archive, Month(date(2001, 1, 5), None))
    note_asked(archive, TIMES[3], TIMES[3], [Absence("", "", "lost at sea", never=True)])
    assert is_complete(ENTRY, archive, month)
    (archive / "ledger.jsonl").write_text("damaged")
    assert readable_ledger(archive) is None
    assert not is_complete(ENTRY, archive, month)


def test_what_is_asked_for_at_a_time_follows_the_source(tmp_path: Path) -> None:
    period = date(2007, 12, 30), date(2008, 2, 3)
    assert parts_to_ask_for(ENTRY, tmp_path / "a", *period, replace=False) == (period,)
    assert parts_to_ask_for(ENTRY, tmp_path / "a", None, None, replace=False) == ((None, None),)
    gfs = ENTRY.model_copy(update={"source": "gfs"})
    months = parts_to_ask_for(gfs, tmp_path / "a", *period, replace=False)
    assert [str(start) for start, _ in months] == ["2007-12-30", "2008-01-01", "2008-02-01"]
    assert months[-1][1] == period[1]
    assert parts_to_ask_for(gfs, tmp_path / "a", period[0], None, replace=False)[-1][1] is None
    yearly = ENTRY.model_copy(update={"source": "ncep-r1"})
    assert parts_to_ask_for(yearly, tmp_path / "a", *period, replace=False) == (
        (date(2007, 12, 30), date(2007, 12, 31)), (date(2008, 1, 1), date(2008, 2, 3)),
    )  # fmt: skip
