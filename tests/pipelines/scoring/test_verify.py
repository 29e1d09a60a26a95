"""Scores of forecasts that exist."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import verify_manifest
from forecast.products.files.runs import RunDirectory
from forecast.verification.evaluation_report import EvaluationReport, read_evaluation
from pipelines.operations.verify import VerificationResult
from pipelines.operations.verify import verify as verify_all
from pipelines.runs.forecast import forecast_cycle
from pipelines.scoring.tables import caption, header, markdown_table, rows, score_table
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.home import Home
from tests.pipelines.conftest import cycle_of


def verify(place: Home, locations: list[Path], analysis: Path | None = None, **named: Any) -> EvaluationReport:
    return verified(place, locations, analysis, **named).report


def report(
    initialisations: int, members: int, scores: dict[str, Any], starts: dict[str, dict[str, int]] | None = None
) -> EvaluationReport:
    return EvaluationReport(
        system="s",
        model_id="m",
        period=("a", "b"),
        initialisations=initialisations,
        members=members,
        scores=scores,
        starts=starts or {},
    )


def verified(place: Home, locations: list[Path], analysis: Path | None = None, **named: Any) -> VerificationResult:
    return verify_all(VerificationRequest(place, analysis=analysis, **named), locations)


@pytest.fixture
def run(place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    return forecast_cycle(cycle_of(place, tiny, "2008-01-10", analysis=weather_file))


def test_run_gets_scores_and_a_page(place: Home, run: Path, weather_file: Path) -> None:
    before = (run / "tiny_20080110T0000Z.nc").read_bytes()
    evaluation = verify(place, [run], weather_file)
    files = verify_manifest(run).files
    assert {"scores.json", "report.html", "plots/skill.png"} <= set(files)
    assert read_evaluation(run / "scores.json") == evaluation
    assert (run / "tiny_20080110T0000Z.nc").read_bytes() == before
    assert evaluation.period == ("2008-01-10", "2008-01-13")
    scores = evaluation.scores
    assert scores["persistence"]["msl"]["crps"] == {"24": None, "48": None, "72": None}
    assert scores["persistence"]["msl"]["mae"]["24"] > 0


def test_crps_by_hand(place: Home, run: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.runs.republish.draw_run", lambda *_: [])
    evaluation = verify(place, [run], weather_file)
    with open_forecast(run) as forecast, xr.open_dataset(weather_file, engine="netcdf4") as weather:
        members = forecast["msl"].isel(lead_time=1).values.astype(float)
        analysis = weather["msl"].sel(time="2008-01-12").values.astype(float)
        latitude = weather["latitude"].values
    edges = np.concatenate([[-90], (latitude[1:] + latitude[:-1]) / 2, [90]])
    area = np.diff(np.sin(np.deg2rad(edges)))
    count = len(members)
    pairs = np.abs(members[:, None] - members[None]).sum((0, 1)) / (2 * count * (count - 1))
    crps = np.abs(members - analysis).mean(0) - pairs
    expected = np.average(crps.mean(axis=1), weights=area)
    assert evaluation.scores["plumecast"]["msl"]["crps"]["48"] == pytest.approx(expected, rel=1e-4)


def test_anyones_file(place: Home, run: Path, weather_file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "theirs.nc"
    copy.write_bytes((run / "tiny_20080110T0000Z.nc").read_bytes())
    evaluation = verify(place, [copy], weather_file)
    assert list(evaluation.scores) == ["forecast"]
    assert evaluation.system == "theirs"
    with pytest.raises(ConfigurationError, match="--analysis"):
        verify(place, [copy])


def test_analysis_that_is_not_there_yet(
    place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    late = forecast_cycle(cycle_of(place, tiny, "2008-02-18", analysis=weather_file))
    with pytest.raises(MissingDataError, match="2008-02-21"):
        verify(place, [late], weather_file)
    assert not RunDirectory.at(late).scores.exists()


def test_tables() -> None:
    scores = {
        "plumecast": {
            "msl": {"crps": {"24": 200.0, "48": 300.0}, "rmse": {"24": 1, "48": 1}, "spread_skill": {"24": 0.9}}
        },
        "persistence": {"msl": {"crps": {"24": None}, "mae": {"24": 400.0}, "rmse": {"24": 1}}},
        "linear": {"msl": {"crps": {"24": 250.0, "48": 300.0}, "rmse": {"24": 1}}},
    }
    evaluation = report(2, 3, scores)
    assert header(evaluation) == ["channel", "lead", "CRPS", "persistence", "linear", "skill/linear", "spread/skill"]
    assert rows(evaluation) == [
        ["msl", "1 d", "200", "400", "250", "+20%", "0.90"],
        ["msl", "2 d", "300", "-", "300", "+0%", "-"],
    ]
    assert rows(evaluation, [48, 96]) == rows(evaluation)[1:]
    assert "| msl | 1 d | 200 | 400 | 250 | +20% | 0.90 |" in markdown_table(evaluation)
    assert len(score_table(evaluation).columns) == 7
    assert caption(evaluation) == "s: 2 forecasts of 3 members, a to b; fair CRPS, of persistence MAE"


def test_a_forecast_of_one_member_is_shown_by_its_mae() -> None:
    one = {"crps": {"24": None}, "mae": {"24": 250.0}, "rmse": {"24": 300.0}, "spread_skill": {"24": None}}
    many = {"crps": {"24": 150.0}, "mae": {"24": 200.0}, "rmse": {"24": 260.0}, "spread_skill": {"24": 1.0}}
    scores = {"forecast": {"msl": one}, "linear": {"msl": many}}
    evaluation = report(1, 1, scores)
    assert header(evaluation) == ["channel", "lead", "MAE", "linear", "skill/linear", "spread/skill"]
    assert rows(evaluation) == [["msl", "1 d", "250", "200", "-25%", "-"]]
    assert caption(evaluation) == "s: 1 forecast of 1 member, a to b; MAE, as one member has no fair CRPS"


def test_a_forecaster_scored_on_other_starts_is_counted_and_has_no_skill() -> None:
    scores = {
        "plumecast": {"msl": {"crps": {"24": 200.0, "48": 300.0}, "rmse": {"24": 1, "48": 1}}},
        "linear": {"msl": {"crps": {"24": 250.0, "48": 400.0}, "rmse": {"24": 1, "48": 1}}},
    }
    starts = {"plumecast": {"24": 4, "48": 4}, "linear": {"24": 2, "48": 4}}
    evaluation = report(4, 3, scores)
    fewer = report(4, 3, scores, starts)
    assert caption(fewer).endswith("; fair CRPS; linear on 2-4 of 4 starts")
    assert [row[4] for row in rows(fewer)] == ["-", "+25%"]
    assert [row[4] for row in rows(evaluation)] == ["+20%", "+25%"]
