"""Verification of existing forecasts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, MissingDataError, PlumecastError
from data_catalog.layout.variables import channel
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import verify_manifest
from forecast.products.files.runs import RunDirectory
from forecast.verification.evaluation_report import EvaluationReport, read_evaluation
from pipelines.operations.verify import VerificationResult
from pipelines.operations.verify import verify as verify_all
from pipelines.runs.forecast import forecast_cycle
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.home import Home
from tests.pipelines.conftest import cycle_of


def verify(place: Home, locations: list[Path], analysis: Path | None = None, **named: Any) -> EvaluationReport:
    return verified(place, locations, analysis, **named).report


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


def as_from_elsewhere(run: Path, file: Path, members: int | None = None) -> Path:
    """The forecast of a run as anyone's file, of all its members or of the first few."""
    with xr.open_dataset(run / "tiny_20080110T0000Z.nc", engine="netcdf4") as opened:
        weather = opened.load()
    for name, field in weather.items():  # a barely trained model makes no weather that anyone's file may hold
        if {"realization", "latitude"} <= set(field.dims):
            weather[name] = field.clip(*channel(str(name)).plausible)
    weather.isel(realization=slice(members)).to_netcdf(file, engine="netcdf4")
    return file


def test_anyones_file(place: Home, run: Path, weather_file: Path, tmp_path: Path) -> None:
    copy = as_from_elsewhere(run, tmp_path / "theirs.nc")
    evaluation = verify(place, [copy], weather_file)
    assert list(evaluation.scores) == ["forecast"]
    assert evaluation.system == "theirs"
    with pytest.raises(ConfigurationError, match="--analysis"):
        verify(place, [copy])


def test_run_has_no_scores_yet_where_a_file_beside_it_is_refused(
    place: Home, run: Path, weather_file: Path, tmp_path: Path
) -> None:
    """All or nothing: files are read before the run is published again, so the message is all that there is."""
    refused = tmp_path / "refused.nc"
    xr.Dataset({"msl": ("x", [1.0])}).to_netcdf(refused, engine="netcdf4")
    with pytest.raises(PlumecastError, match=r"refused\.nc"):
        verify(place, [run, refused], weather_file)
    assert not RunDirectory.at(run).scores.exists()


def test_nothing_is_kept_where_a_run_and_a_file_do_not_pool(
    place: Home, run: Path, weather_file: Path, tmp_path: Path
) -> None:
    scores = tmp_path / "scores"
    other = as_from_elsewhere(run, tmp_path / "other.nc", members=1)
    before = sorted(path.name for path in run.rglob("*"))
    with pytest.raises(ConfigurationError, match="same members"):
        verify(place, [run, other], weather_file, scores=scores)
    assert not scores.exists()
    assert sorted(path.name for path in run.rglob("*")) == before


def test_nothing_is_kept_where_a_later_run_cannot_be_scored(
    place: Home, tiny: Path, run: Path, weather_file: Path, tmp_path: Path
) -> None:
    scores = tmp_path / "scores"
    late = forecast_cycle(cycle_of(place, tiny, "2008-02-18", analysis=weather_file))
    with pytest.raises(MissingDataError, match="2008-02-21"):
        verify(place, [run, late], weather_file, scores=scores)
    assert not scores.exists()
    assert not RunDirectory.at(run).scores.exists()


def test_analysis_that_is_not_there_yet(
    place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    late = forecast_cycle(cycle_of(place, tiny, "2008-02-18", analysis=weather_file))
    with pytest.raises(MissingDataError, match="2008-02-21"):
        verify(place, [late], weather_file)
    assert not RunDirectory.at(late).scores.exists()
