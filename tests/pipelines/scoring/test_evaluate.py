"""Many cycles: which starts, resuming, agreement with single runs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.workers import Workers
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from forecast.verification import UnscorableError, open_score_archive, scores_of
from forecast.verification.baselines.fitted import Baselines
from forecast.verification.evaluation_report import read_evaluation
from pipelines.cli.app import main
from pipelines.scoring import evaluate as evaluating
from pipelines.scoring.evaluate import evaluate, evaluate_to
from pipelines.scoring.evaluation_request import EvaluationRequest, init_times
from pipelines.scoring.scorer import CycleScorer
from pipelines.scoring.tables import caption
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import evaluation_of


@pytest.fixture
def wanted(place: Home, tiny: Path, weather_file: Path) -> EvaluationRequest:
    return evaluation_of(place, tiny, analysis=weather_file, every="10d", members=3, lead="2d")


def days(first: str, count: int) -> np.ndarray:
    return (np.datetime64(first) + np.arange(count)).astype("datetime64[ns]")


def test_starts(wanted: EvaluationRequest) -> None:
    starts = init_times(wanted, days("2007-12-01", 100))
    assert [str(start)[:10] for start in starts] == [
        "2008-01-01", "2008-01-11", "2008-01-21", "2008-01-31", "2008-02-10",
    ]  # fmt: skip
    assert str(init_times(wanted, days("2008-01-01", 60))[0])[:10] == "2008-01-02"


def test_starts_without_analysis_are_named(wanted: EvaluationRequest, caplog: pytest.LogCaptureFixture) -> None:
    starts = init_times(wanted, np.delete(days("2007-12-01", 100), 43))
    assert len(starts) == 4
    assert "1 of 5 starts lack an analysis and are left out: 2008-01-11" in caplog.text


def test_no_start_at_all(wanted: EvaluationRequest) -> None:
    with pytest.raises(MissingDataError, match="found none among 5 analyses"):
        init_times(wanted, days("2007-12-01", 5))


def test_a_killed_evaluation_goes_on(
    wanted: EvaluationRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate_to(replace(wanted, scores=tmp_path / "elsewhere"), tmp_path / "whole.json")
    made: list[np.datetime64] = []
    real = evaluating.ensemble_forecast

    def dying(*arguments: object, **options: object) -> object:
        made.append(arguments[3])  # type: ignore[arg-type]
        if len(made) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluating, "ensemble_forecast", dying)
    with pytest.raises(KeyboardInterrupt):
        evaluate_to(wanted, tmp_path / "killed.json")
    assert not (tmp_path / "killed.json").exists()
    resumed = evaluate_to(wanted, tmp_path / "killed.json")
    assert [str(time)[:10] for time in made] == [
        "2008-01-01", "2008-01-11", "2008-01-21", "2008-01-21", "2008-01-31", "2008-02-10",
    ]  # fmt: skip
    assert resumed == whole
    assert read_evaluation(tmp_path / "killed.json") == whole.report


def test_what_was_scored_before_is_not_made_again(wanted: EvaluationRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    model, baseline = evaluating.ensemble_forecast, Baselines.forecast
    monkeypatch.setattr(evaluating, "ensemble_forecast", lambda *a, **k: made.append("plumecast") or model(*a, **k))
    monkeypatch.setattr(Baselines, "forecast", lambda self, kind, *a: made.append(kind) or baseline(self, kind, *a))
    wanted = replace(wanted, every_hours=480)
    first = evaluate(wanted)
    assert made == ["plumecast", "climatology", "persistence", "linear", "analogue"] * 3
    made.clear()
    again = evaluate(replace(wanted, end=wanted.end - np.timedelta64(10, "D")))
    assert (made, len(again.starts["plumecast"])) == ([], 2)
    shorter = evaluate(replace(wanted, lead_steps=1))
    assert made == []
    assert shorter.report.scores["linear"]["msl"]["crps"]["24"] == first.report.scores["linear"]["msl"]["crps"]["24"]
    evaluate(replace(wanted, lead_steps=3))
    assert len(made) == 5 * 3
    made.clear()
    assert evaluate(wanted).report == first.report
    assert made == []
    larger = evaluate(replace(wanted, members=4))
    assert made == ["plumecast", "climatology", "linear", "analogue"] * 3
    assert larger.labels["plumecast"] != first.labels["plumecast"]
    assert larger.labels["persistence"] == first.labels["persistence"]


def test_the_share_of_a_masked_channel_is_said(wanted: EvaluationRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CycleScorer, "scored_points", {"msl": 0.75})
    report = evaluate(replace(wanted, end=wanted.start + np.timedelta64(2, "D"))).report
    assert report.scored_points == {"msl": 0.75}
    assert "msl on 75.0% of the points" in caption(report)


def test_another_analysis_is_not_mixed_in(wanted: EvaluationRequest, weather_file: Path, tmp_path: Path) -> None:
    wanted = replace(wanted, every_hours=480)
    evaluate(wanted)
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        changed = weather.load()
    changed["t2m"].loc[{"time": "2008-01-22"}] += 0.5
    changed.to_netcdf(tmp_path / "changed.nc", engine="netcdf4")
    with pytest.raises(InvalidDataError, match=r"20080121T0000Z/plumecast@.*\.npz: expected scores of analysis of t2m"):
        evaluate(replace(wanted, analysis=tmp_path / "changed.nc"))


def test_scores_are_kept_by_region(wanted: EvaluationRequest, tiny: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        tiny.read_text().replace(
            "[verification]",
            """
[[verification.boxes]]
name = "belt"
south = 0.0
north = 60.0

[[verification.masks]]
name = "high"
channel = "orography"
above = 0.5
within = "belt"

[verification]
regions = ["global", "tropics"]""",
        )
    )
    evaluated = evaluate(replace(wanted, system=find_system(str(own))))
    sums = open_score_archive(wanted.scores)["sums"]
    assert sums["region"].values.tolist() == ["global", "tropics", "belt", "high"]
    assert sums["forecaster"].values.tolist() == sorted(evaluated.labels.values())
    assert sums.sizes["init_time"] == 5
    weight = sums.sel(statistic="weight", forecaster=evaluated.labels["plumecast"]).isel(
        init_time=0, channel=0, lead_time=0
    )
    assert 0 < float(weight.sel(region="high")) < float(weight.sel(region="belt")) < float(weight.sel(region="global"))
    for label in evaluated.labels.values():
        pooled = scores_of(sums.sel(forecaster=label, region="global").sum("init_time", skipna=False))
        found = evaluated.report.scores[label.partition("@")[0]]["msl"]["rmse"]["48"]
        assert float(pooled["rmse"].sel(channel="msl").isel(lead_time=1)) == pytest.approx(found, rel=1e-12)


def test_a_region_that_the_grid_does_not_hold(wanted: EvaluationRequest, tiny: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    box = '\n[[verification.boxes]]\nname = "speck"\nsouth = 1.0\nnorth = 2.0\nwest = 1.0\neast = 2.0\n'
    own.write_text(tiny.read_text() + box)
    with pytest.raises(UnscorableError, match="region 'speck': expected at least one grid point in it, found none"):
        evaluate(replace(wanted, system=find_system(str(own))))


def test_bad_requests(
    place: Home,
    tiny: Path,
    weather_file: Path,
    wanted: EvaluationRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["evaluate", str(tiny), "--analysis", str(weather_file), "--out", str(tmp_path / "s.json")]
    assert main([*words, "--start", "2008-02-01", "--end", "2008-01-01"]) == 2
    assert "--end: expected a time after 2008-02-01, found 2008-01-01" in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match="existing directory"):
        evaluate_to(wanted, tmp_path / "none" / "s.json")
    (place.checkpoint("tiny") / "baselines.nc").unlink()
    with pytest.raises(ConfigurationError, match=r"expected baselines\.nc"):
        evaluate_to(wanted, tmp_path / "s.json")


def test_starts_that_workers_score_have_the_same_scores(wanted: EvaluationRequest, tmp_path: Path) -> None:
    alone = evaluate(replace(wanted, scores=tmp_path / "alone"))
    with ThreadPoolExecutor(1) as thread:
        there = evaluate(replace(wanted, scores=tmp_path / "there"), Workers(thread, 1))
    assert there == alone
