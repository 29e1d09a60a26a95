"""Verdicts in the ledger."""

import numpy as np

from data_catalog.archive.verdicts import Verdicts, described, grouped, record_of
from data_catalog.quality.verdicts import Judgement, Suspicion

TIMES = np.array(["2001-01-01", "2001-01-02", "2001-01-03"], "datetime64[ns]")
JUDGEMENT = Judgement(
    TIMES,
    (Suspicion(TIMES[1], "msl", "a spike"), Suspicion(None, "lsm", "inverted")),
    {"jumps in time": 3, "dates": 0},
    {"msl": ("0123456789ab", "111111111111", "222222222222")},
)


def test_a_record_gives_the_verdicts_back() -> None:
    verdicts = Verdicts()
    verdicts.add(record_of(JUDGEMENT))
    assert [verdicts.state(time, "msl")[0] for time in TIMES] == ["good", "suspect", "good"]
    assert verdicts.state(TIMES[1], "msl")[1] == "a spike"
    assert verdicts.fingerprints["2001-01-03T00:00:00"] == {"msl": "222222222222"}
    assert [one.channel for one in verdicts.suspect] == ["lsm", "msl"]
    assert verdicts.failed_checks == ("dates",)


def test_replaced_values_are_not_judged() -> None:
    verdicts = Verdicts()
    verdicts.add(record_of(JUDGEMENT))
    verdicts.forget(["2001-01-02T00:00:00"])
    assert verdicts.state(TIMES[1], "msl") == ("not judged", "")


def test_everything_is_said_in_lines() -> None:
    verdicts = Verdicts()
    verdicts.add(record_of(JUDGEMENT))
    lines = list(described(verdicts, np.append(TIMES, TIMES[-1] + np.timedelta64(2, "D")), TIMES[:1]))
    assert lines == [
        "2 times good, 1 suspect, 1 missing, 1 not judged",
        "suspect: lsm: inverted",
        "suspect: msl at 2001-01-02T00:00Z: a spike",
        "check failed: dates: nothing was measured",
    ]


def test_times_of_one_check_are_one_line() -> None:
    often = [Suspicion(time, name, f"dates: {number} too far") for number, time in enumerate(TIMES) for name in "ab"]
    (group,) = grouped(often)
    assert group.channels == ("a", "b")
    assert (
        group.words == "suspect: a, b at 3 times from 2001-01-01T00:00Z to 2001-01-03T00:00Z, first: dates: 0 too far"
    )


def test_long_lists_are_shortened() -> None:
    many = tuple(Suspicion(TIMES[0], f"channel{number}", f"check {number}: wrong") for number in range(50))
    verdicts = Verdicts()
    verdicts.add(record_of(Judgement(TIMES, many, {}, {})))
    lines = list(described(verdicts, TIMES, TIMES[:0]))
    assert len(lines) == 22
    assert lines[-1].startswith("suspect: 30 more lines")
