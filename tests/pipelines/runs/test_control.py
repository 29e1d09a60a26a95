"""Conditions of a run: from text and from files, in the forecast file, and apart from free forecasts."""

from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.control.conditions import parse_condition
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import read_manifest
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from pipelines.operations.remaking import Remaking, remake_member
from pipelines.runs.control import imposed_conditions
from pipelines.runs.forecast import forecast_cycle
from pipelines.scoring.foreign_forecasts import score_files
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import cycle_of

INIT = np.datetime64("2008-01-10", "ns")
TEXT = "t2m@51.5N,0E > 285.5 at 24h"


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])


@pytest.fixture
def cycle(place: Home, tiny: Path, weather_file: Path, tmp_path: Path):
    free = cycle_of(place, tiny, "2008-01-10", analysis=weather_file, members=3)
    return replace(free, runs=tmp_path / "free", lead_steps=1)


def reachable(cycle) -> str:
    """A threshold above the mean of the free members."""
    with open_forecast(forecast_cycle(cycle)) as free:
        values = free["t2m"].interp(latitude=51.5, longitude=0.0).values
    return f"t2m@51.5N,0E > {values.mean() + 1.2 * values.std():.3f} at 24h"


def test_a_run_says_what_was_imposed_and_is_no_free_one(cycle, tmp_path: Path, place: Home, weather_file: Path) -> None:
    text = reachable(cycle)
    held = replace(cycle, runs=tmp_path / "held", conditions=(parse_condition(text),))
    run = RunDirectory.at(forecast_cycle(held))
    with open_forecast(run.path) as made:
        assert float(made["t2m"].interp(latitude=51.5, longitude=0.0).min()) > parse_condition(text).value
    with netCDF4.Dataset(run.forecast) as stored:
        assert stored.getncattr("plumecast_conditions") == str(parse_condition(text))
        assert "Not a free forecast" in stored.comment
        assert "conditioned" in stored.title
    manifest, free = prove_run(run.path), read_manifest(cycle.run.path)
    assert manifest.conditions == (str(parse_condition(text)),)
    assert free.conditions is None
    assert manifest.system_hash != free.system_hash  # scores are kept and pooled by this hash
    assert manifest.seeds == free.seeds
    remaking = Remaking(place, 1, cycle.checkpoint, weather_file)
    assert "member 1 made again" in remake_member(remaking, run, manifest)
    with pytest.raises(ConfigurationError, match="expected no run with other conditions there, found t2m@"):
        forecast_cycle(replace(cycle, runs=held.runs))
    request = VerificationRequest(home=place, analysis=weather_file)
    with pytest.raises(ConfigurationError, match="expected a free forecast, found members made to meet t2m"):
        score_files(request, [run.forecast], "any")


def test_conditions_come_from_text_and_file(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "observed.csv"
    file.write_text("time,latitude,longitude,channel,value,error\n2008-01-12,64,-22,msl,98000,100\n")
    found = imposed_conditions(find_system(str(tiny)), INIT, [TEXT], file)
    assert [str(one) for one in found] == [TEXT, "msl@64N,22W = 98000.0 +- 100.0 at 48h"]
    assert imposed_conditions(find_system(str(tiny)), INIT, [], None) == ()


def test_what_no_member_reaches_leaves_no_run(cycle, tmp_path: Path) -> None:
    far = replace(cycle, runs=tmp_path / "far", conditions=(parse_condition("t2m@51.5N,0E > 400 at 24h"),))
    with pytest.raises(ConfigurationError, match="no member would reach it"):
        forecast_cycle(far)
    assert not far.run.path.exists()
