"""A system of several networks from training to a run."""

from pathlib import Path

import numpy as np
import pytest

from forecast.products.manifest import read_manifest
from forecast.products.netcdf import open_forecast
from pipelines.cli import main
from pipelines.evaluating import evaluate
from pipelines.forecasting import forecast_cycle
from pipelines.home import Home
from pipelines.requesting import request_cycle, request_evaluation

INIT = "2008-01-10"


@pytest.fixture
def double(tiny: Path, tmp_path: Path) -> Path:
    """A system of two networks."""
    path = tmp_path / "double.toml"
    text = tiny.read_text().replace('name = "tiny"', 'name = "double"')
    path.write_text(text.replace("[training]", "[training]\nnetworks = 2"))
    return path


def train(system: Path, weather: Path, *options: str) -> int:
    return main(["train", str(system), "--analysis", str(weather), "--device", "cpu", *options])


def test_two_machines_train_what_one_would_and_runs_grow(
    double: Path, place: Home, weather_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = place.checkpoint("double")
    assert train(double, weather_file, "--network", "1") == 0
    assert not (checkpoint / "model.json").exists()
    said = capsys.readouterr()
    assert "Still to be trained: network 0" in said.err
    assert f"Checkpoint: {checkpoint / 'networks' / '1'}" in said.out
    alone = request_evaluation(
        place,
        str(double),
        checkpoint=checkpoint / "networks" / "1",
        analysis=weather_file,
        members=2,
        lead="1d",
        every="30d",
    )
    assert evaluate(alone).content["initialisations"] == 2
    assert train(double, weather_file, "--network", "0") == 0
    assert train(double, weather_file, "--out", str(place.root / "at-once")) == 0
    assert (checkpoint / "model.json").read_bytes() == (place.root / "at-once" / "model.json").read_bytes()

    def run(members: int) -> Path:
        wanted = request_cycle(place, str(double), INIT, analysis=weather_file, members=members, lead="2d")
        return forecast_cycle(wanted)

    with open_forecast(run(3) / "double_20080110T0000Z.nc") as few:
        first = few["msl"].load()
    path = run(5)
    with open_forecast(path / "double_20080110T0000Z.nc") as many:
        np.testing.assert_array_equal(many["msl"].values[:3], first.values)
    assert read_manifest(path)["delivered"]["members"] == [0, 1, 2, 3, 4]


def test_a_network_too_many(double: Path, place: Home, weather_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(double, weather_file, "--network", "2") == 2
    assert "system double: expected a network from 0 to 1, found 2" in capsys.readouterr().err
