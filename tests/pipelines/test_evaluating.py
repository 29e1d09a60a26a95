"""Many cycles: which starts, resuming, agreement with single runs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError, MissingDataError
from pipelines import evaluating
from pipelines.evaluating import Evaluation, evaluate_to, init_times
from pipelines.home import Home
from pipelines.requesting import request_evaluation


@pytest.fixture
def wanted(place: Home, tiny: Path, weather_file: Path) -> Evaluation:
    return request_evaluation(place, str(tiny), analysis=weather_file, every="10d", members=3, lead="2d", device="cpu")


def days(first: str, count: int) -> np.ndarray:
    return (np.datetime64(first) + np.arange(count)).astype("datetime64[ns]")


def test_starts(wanted: Evaluation) -> None:
    starts = init_times(wanted, days("2007-12-01", 100))
    assert [str(start)[:10] for start in starts] == [
        "2008-01-01", "2008-01-11", "2008-01-21", "2008-01-31", "2008-02-10",
    ]  # fmt: skip
    assert str(init_times(wanted, days("2008-01-01", 60))[0])[:10] == "2008-01-02"


def test_starts_without_analysis_are_named(wanted: Evaluation, caplog: pytest.LogCaptureFixture) -> None:
    starts = init_times(wanted, np.delete(days("2007-12-01", 100), 43))
    assert len(starts) == 4
    assert "1 of 5 starts lack an analysis and are left out: 2008-01-11" in caplog.text


def test_no_start_at_all(wanted: Evaluation) -> None:
    with pytest.raises(MissingDataError, match="found none among 5 analyses"):
        init_times(wanted, days("2007-12-01", 5))


def test_a_killed_evaluation_goes_on(wanted: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluate_to(wanted, tmp_path / "whole.json")
    made: list[np.datetime64] = []
    real = evaluating._forecast

    def dying(*arguments: object) -> object:
        made.append(arguments[3])  # type: ignore[arg-type]
        if len(made) == 3:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluating, "_forecast", dying)
    with pytest.raises(KeyboardInterrupt):
        evaluate_to(wanted, tmp_path / "killed.json")
    assert not (tmp_path / "killed.json").exists()
    journal = tmp_path / ".killed.json.cycles"
    journal.write_text(journal.read_text() + '{"init_time": "2008')
    resumed = evaluate_to(wanted, tmp_path / "killed.json")
    assert [str(time)[:10] for time in made] == [
        "2008-01-01", "2008-01-11", "2008-01-21", "2008-01-21", "2008-01-31", "2008-02-10",
    ]  # fmt: skip
    assert resumed == whole
    assert not journal.exists()


def test_the_journal_of_another_evaluation_is_not_used(wanted: Evaluation, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    evaluating.evaluate(wanted, journal)
    first = journal.read_text()
    evaluating.evaluate(replace(wanted, members=4), journal)
    assert journal.read_text().split("\n")[0] != first.split("\n")[0]
    assert len(journal.read_text().split("\n")) == len(first.split("\n"))


def test_bad_requests(place: Home, tiny: Path, weather_file: Path, wanted: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--end"):
        request_evaluation(place, str(tiny), analysis=weather_file, start="2008-02-01", end="2008-01-01", device="cpu")
    with pytest.raises(ConfigurationError, match="existing directory"):
        evaluate_to(wanted, tmp_path / "none" / "s.json")
    (place.checkpoint("tiny") / "baselines.nc").unlink()
    with pytest.raises(ConfigurationError, match=r"expected baselines\.nc"):
        evaluate_to(wanted, tmp_path / "s.json")
