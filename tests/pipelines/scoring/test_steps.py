"""Forecasts and evaluations in steps of another length than the system's own."""

import re
from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.products.files.manifest import read_manifest
from forecast.verification.baselines.files import load_baselines, save_baselines
from forecast.verification.baselines.fitting import fit_baselines
from pipelines.cli.app import main
from pipelines.operations.verify import verify
from pipelines.runs.forecast import forecast_cycle
from pipelines.scoring.evaluate import evaluate
from pipelines.scoring.scorecard import find_forecaster
from pipelines.scoring.scorecard_output import print_forecasters
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import cycle_of, evaluation_of, invented_weather

INIT = "2008-01-10"


@pytest.fixture(scope="module")
def twice_daily(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("twice-daily") / "weather.nc"
    invented_weather(every_hours=12).to_netcdf(path, engine="netcdf4")
    return path


@pytest.fixture
def stepped(tiny: Path, place: Home, twice_daily: Path, tmp_path: Path) -> Path:
    """A system of daily steps whose model learns those of twelve hours too."""
    path = tmp_path / "stepped.toml"
    text = tiny.read_text().replace('name = "tiny"', 'name = "stepped"')
    path.write_text(text.replace("[training]", "[training]\nstep_hours = [12, 24]"))
    system = find_system(str(path))
    train_system(TrainingRequest(system, twice_daily, place.checkpoint("stepped")))
    return path


def run(place: Home, system: Path, weather: Path, step: str | None, init: str = INIT) -> Path:
    runs = place.root / f"in-{step}"
    return forecast_cycle(cycle_of(place, system, init, analysis=weather, lead="2d", step=step, runs=runs))


def test_the_step_is_chosen_when_forecasting(stepped: Path, place: Home, twice_daily: Path) -> None:
    own, half = run(place, stepped, twice_daily, None), run(place, stepped, twice_daily, "12h")
    assert read_manifest(own).delivered.lead_hours == (24, 48)
    assert read_manifest(half).delivered.lead_hours == (12, 24, 36, 48)
    assert read_manifest(own).model_id == read_manifest(half).model_id
    assert read_manifest(own).system_hash != read_manifest(half).system_hash
    assert (half / "plots" / "plume_london.png").exists()
    judge = VerificationRequest(home=place, analysis=twice_daily, system=find_system(str(stepped)))
    scores = verify(judge, [half]).report.scores
    crps = {name: list(each["msl"]["crps"]) for name, each in scores.items()}
    assert crps["plumecast"] == crps["climatology"] == ["12", "24", "36", "48"]
    assert crps["linear"] == ["24", "48"]  # fitted to the system's own step
    with pytest.raises(ConfigurationError, match=r"expected forecasts with the same step and sampler"):
        verify(judge, [half, own])


def test_the_linear_baseline_is_scored_where_it_has_whole_steps(
    stepped: Path, place: Home, twice_daily: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def scored(lead: str, step: str | None = "12h") -> dict[str, list[str]]:
        wanted = {"analysis": twice_daily, "every": "10d", "members": 3, "device": "cpu"}
        evaluated = evaluate(evaluation_of(place, stepped, step=step, lead=lead, **wanted))
        return {name: list(each["msl"]["crps"]) for name, each in evaluated.report.scores.items()}

    hours = scored("2d")
    assert hours["plumecast"] == hours["climatology"] == hours["persistence"] == ["12", "24", "36", "48"]
    assert hours["linear"] == ["24", "48"]
    assert "linear" not in scored("12h")
    assert scored("2d", step=None)["plumecast"] == ["24", "48"]
    archive = place.score_archive("stepped")
    print_forecasters(archive)
    assert {"12 h", "24 h"} <= {cell.strip() for cell in capsys.readouterr().out.replace("│", "|").split("|")}
    with pytest.raises(ConfigurationError, match="which is several") as told:
        find_forecaster(archive, "plumecast", "--forecaster")
    assert {"steps of 12 h", "steps of 24 h"} <= set(str(told.value).split(", "))


def test_baselines_of_daily_steps_know_the_hours_between(stepped: Path, place: Home, twice_daily: Path) -> None:
    """Those of a model of daily steps alone are left out at noon; nothing of the others changes."""
    system = find_system(str(stepped))
    analysis = open_system_analysis(twice_daily, system)[list(system.state.predictands)]
    days = np.datetime64("2007-01-01"), np.datetime64("2007-11-30")
    daily = fit_baselines(analysis, days, step_hours=24, eofs=4)
    both = load_baselines(place.checkpoint("stepped") / "baselines.nc")
    start, leads = np.datetime64(INIT, "ns"), (np.arange(1, 5) * np.timedelta64(12, "h")).astype("timedelta64[ns]")
    noon = start + leads[0]
    for baselines, kind, init_time, wanted in (
        (both, "climatology", start, leads),
        (daily, "climatology", start, leads[1::2]),
        (daily, "climatology", noon, leads[::2]),
        (both, "linear", start, leads[1::2]),
        (both, "linear", noon, leads[1::2]),
        (daily, "linear", start, leads[1::2]),
        (daily, "linear", noon, leads[:0]),
        (daily, "persistence", noon, leads),
    ):
        np.testing.assert_array_equal(baselines.leads_of(kind, init_time, leads), wanted)
        if wanted.size:
            made = baselines.forecast(kind, analysis, init_time, wanted, 3, seed=0)
            assert np.isfinite(made["msl"]).all()
    # A day ahead the linear model is as sharp as one of whole days alone.
    spread = [
        float(each.forecast("linear", analysis, start, leads[1::2], 50, 0)["msl"].std()) for each in (daily, both)
    ]
    assert spread[1] == pytest.approx(spread[0], rel=0.1)


def test_a_forecast_at_hours_without_climatology_is_drawn_without(
    stepped: Path, place: Home, twice_daily: Path
) -> None:
    analysis = open_system_analysis(twice_daily, find_system(str(stepped)))[["msl", "t2m"]]
    days = np.datetime64("2007-01-01"), np.datetime64("2007-11-30")
    save_baselines(fit_baselines(analysis, days, step_hours=24, eofs=4), place.checkpoint("stepped") / "baselines.nc")
    assert (run(place, stepped, twice_daily, "12h") / "plots" / "plume_london.png").exists()


def test_bad_requests(stepped: Path, place: Home, twice_daily: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = {"analysis": twice_daily, "device": "cpu"}
    forecast = ["forecast", str(stepped), "--init", INIT, "--analysis", str(twice_daily)]
    for words, complaint in (
        (["--step", "6h", "--out", str(place.root)], r"system stepped: expected a step of 12 or 24 h, .* found 6 h"),
        (["--step", "12h"], r"--step 12h: expected --out DIR with it, .* have steps of 24 h"),
        (["--lead", "36h"], "--lead: expected a multiple of the forecast's step of 24 h"),
        (["--only-member", "3"], "--only-member: expected --out DIR"),
    ):
        assert main([*forecast, *words]) == 2
        assert re.search(complaint, capsys.readouterr().err)
    with pytest.raises(ConfigurationError, match="--step: expected a duration such as 10d or 36h, found 'daily'"):
        evaluation_of(place, stepped, step="daily", **wanted)
