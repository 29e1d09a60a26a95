"""A member of a published run that is made again."""

from functools import partial
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.files.manifest import extend_manifest
from forecast.products.files.rounding import bit_round
from forecast.products.files.runs import RunDirectory
from pipelines.cli.app import main
from pipelines.operations.check import check_runs
from pipelines.operations.promotion import register_model
from pipelines.operations.remaking import Remaking, difference, parse_member, remake_member
from pipelines.runs.forecast import forecast_cycle
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import cycle_of


@pytest.fixture
def run(place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    return forecast_cycle(cycle_of(place, tiny, "2008-01-10", analysis=weather_file))


def checked(place: Home, run: Path, **given: Any) -> str:
    (line,) = check_runs([str(run)], partial(remake_member, Remaking(place, **given)))
    return line


def alter(run: Path, member: int, by: float) -> None:
    """Add to one value of a member, and make the manifest fit."""
    forecast = RunDirectory.at(run).forecast
    with netCDF4.Dataset(forecast, "r+") as stored:
        stored["msl"][member, 2, 3, 4] += by
    extend_manifest(run, [forecast])


@pytest.mark.parametrize("member", [None, 0, 3])
def test_a_true_run(place: Home, run: Path, weather_file: Path, member: int | None) -> None:
    line = checked(place, run, member=member, analysis=weather_file)
    assert ": as published, 4 members to 72 h" in line
    assert ("member " if member is None else f"member {member} made again") in line


def test_an_altered_member_of_a_manifest_made_to_fit(place: Home, run: Path, weather_file: Path) -> None:
    alter(run, 1, 20.0)
    assert next(check_runs([str(run)])).endswith("files")
    assert "made again" in checked(place, run, member=2, analysis=weather_file)
    lines = check_runs([str(run)], partial(remake_member, Remaking(place, 1, analysis=weather_file)))
    assert "member 1: expected msl at 72 h within 0.001 of a standard deviation" in next(lines)
    with pytest.raises(InvalidDataError, match="found 1 that are not"):
        next(lines)


def test_a_number_that_is_no_member(place: Home, run: Path, weather_file: Path) -> None:
    with pytest.raises(ConfigurationError, match="one of its 4 members, 0 to 3, found --member 9"):
        checked(place, run, member=9, analysis=weather_file)
    with pytest.raises(ConfigurationError, match="expected random or the number of a member"):
        parse_member("-1")


def test_another_analysis(place: Home, run: Path, weather_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.nc"
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        warmer = weather.load()
    warmer["t2m"] += 1
    warmer.to_netcdf(other, engine="netcdf4")
    with pytest.raises(ConfigurationError, match=r"expected data_hash .*other\.nc; name the analysis"):
        checked(place, run, analysis=other)


def test_another_model_and_the_one_in_the_registry(place: Home, run: Path, tiny: Path, weather_file: Path) -> None:
    """A model that was trained again since is not the run's; one that was registered is found by its identity."""
    system, usual = find_system(str(tiny)), place.checkpoint("tiny")
    kept = usual.rename(usual.with_name("kept"))
    fewer = system.changed(training=system.training.changed(iterations=2))
    train_system(TrainingRequest(fewer, weather_file, usual))
    with pytest.raises(ConfigurationError, match=r"expected model_id .*tiny; name the model with --checkpoint"):
        checked(place, run, analysis=weather_file)
    assert "made again" in checked(place, run, checkpoint=kept, analysis=weather_file)
    register_model(place, system, kept, "the model of the run")
    assert "made again" in checked(place, run, analysis=weather_file)


def test_the_command(place: Home, run: Path, weather_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(run), "--member", "random", "--analysis", str(weather_file), "--device", "cpu"]) == 0
    assert "made again" in capsys.readouterr().out
    assert main(["check", str(run), "--analysis", str(weather_file)]) == 2
    assert main(["check", "s3://bucket/tiny/20080110T0000Z", "--member", "random"]) == 2


def test_neighbouring_steps_of_rounding_are_equal() -> None:
    made = np.linspace(99_000, 101_000, 50, dtype=np.float32)
    stored = bit_round(made, 21)
    assert difference("msl", stored, made, 600.0) == 0
    assert difference("msl", stored + np.float32(0.03125), made, 600.0) == 0
    assert difference("msl", stored + np.float32(6), made, 600.0) == pytest.approx(0.01, rel=0.02)
    assert np.isnan(difference("msl", stored * np.float32(np.nan), made, 600.0))
    rain = np.array([0.0, 4.0], dtype=np.float32)
    assert difference("tp24", rain, np.array([0.0, 9.0], dtype=np.float32), 2.0) == pytest.approx(0.5)
