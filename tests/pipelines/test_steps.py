"""Forecasts and evaluations in steps of another length than the system's own."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from forecast.products.manifest import read_manifest
from pipelines.analyses import open_system_analysis
from pipelines.evaluating import evaluate
from pipelines.forecasting import forecast_cycle
from pipelines.home import Home
from pipelines.requesting import request_cycle, request_evaluation
from pipelines.systems import find_system
from pipelines.training import train_system
from pipelines.verifying import Judge, verify


@pytest.fixture
def two_daily(tiny: Path, place: Home, weather_file: Path, tmp_path: Path) -> Path:
    """A system of two-day steps whose model learns daily ones too."""
    path = tmp_path / "two-daily.toml"
    text = tiny.read_text().replace('name = "tiny"', 'name = "two-daily"')
    text = text.replace("[state]", "[state]\nstep_hours = 48").replace(
        "[training]", "[training]\nstep_hours = [24, 48]"
    )
    path.write_text(text.replace("lead_days = 3", "lead_days = 4"))
    system = find_system(str(path))
    train_system(system, open_system_analysis(weather_file, system), place.checkpoint("two-daily"))
    return path


def test_the_step_is_chosen_when_forecasting(
    two_daily: Path, place: Home, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.forecasting.draw_run", lambda *_: [])

    def run(step: str | None, runs: str) -> Path:
        wanted = {"analysis": weather_file, "device": "cpu", "step": step, "runs": place.root / runs}
        return forecast_cycle(request_cycle(place, str(two_daily), "2008-01-10", **wanted))

    own, daily = read_manifest(run(None, "own")), read_manifest(run("1d", "daily"))
    assert own["delivered"]["lead_hours"] == [48, 96]
    assert daily["delivered"]["lead_hours"] == [24, 48, 72, 96]
    assert own["model_id"] == daily["model_id"]
    assert own["system_hash"] != daily["system_hash"]
    judge = Judge(home=place, analysis=weather_file, system=find_system(str(two_daily)))
    scored = verify(judge, [place.root / "daily" / "two-daily" / "20080110T0000Z"])
    crps = {name: list(each["msl"]["crps"]) for name, each in scored.content["scores"].items()}
    assert crps["plumecast"] == crps["climatology"] == ["24", "48", "72", "96"]
    assert crps["linear"] == ["48", "96"]  # fitted to the system's own step


def test_the_linear_baseline_is_scored_where_it_has_whole_steps(
    two_daily: Path, place: Home, weather_file: Path
) -> None:
    def crps(lead: str) -> dict[str, list[str]]:
        wanted = {"analysis": weather_file, "every": "10d", "members": 3, "device": "cpu"}
        evaluated = evaluate(request_evaluation(place, str(two_daily), step="24h", lead=lead, **wanted))
        return {name: list(each["msl"]["crps"]) for name, each in evaluated.content["scores"].items()}

    scored = crps("3d")
    assert scored["plumecast"] == scored["climatology"] == ["24", "48", "72"]
    assert scored["linear"] == ["48"]
    assert "linear" not in crps("1d")


def test_a_step_that_was_not_learned(two_daily: Path, place: Home, weather_file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"system two-daily: expected a step of 24 or 48 h, .* found 12 h"):
        request_cycle(place, str(two_daily), "2008-01-10", analysis=weather_file, step="12h", device="cpu")
    with pytest.raises(ConfigurationError, match="--step: expected a duration such as 10d or 36h, found 'daily'"):
        request_evaluation(place, str(two_daily), analysis=weather_file, step="daily", device="cpu")
