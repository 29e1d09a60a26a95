"""A system of several networks from training to a run."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast.checkpoints.files import load_checkpoint
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import read_manifest
from pipelines.cli.app import main
from pipelines.runs.forecast import forecast_cycle
from pipelines.scoring.evaluate import evaluate
from pipelines.training.noise_levels import NOISE_LEVELS_PICTURE
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import cycle_of, evaluation_of

INIT = "2008-01-10"


@pytest.fixture
def double(tiny: Path, tmp_path: Path) -> Path:
    """A system of two networks."""
    path = tmp_path / "double.toml"
    text = tiny.read_text().replace('name = "tiny"', 'name = "double"')
    path.write_text(text.replace("[training]", "[training]\nnetworks = 2"))
    return path


def run(system: Path, place: Home, weather: Path, members: int) -> Path:
    return forecast_cycle(cycle_of(place, system, INIT, analysis=weather, members=members, lead="2d"))


def train(system: Path, weather: Path, *options: str) -> int:
    return main(["train", str(system), "--analysis", str(weather), "--device", "cpu", *options])


@pytest.fixture
def trained(double: Path, place: Home, weather_file: Path) -> Path:
    """A checkpoint of both networks, in its place in the home."""
    assert train(double, weather_file) == 0
    return place.checkpoint("double")


def test_networks_trained_on_several_machines_equal_those_of_one(
    double: Path, trained: Path, place: Home, weather_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = place.root / "shared"
    capsys.readouterr()
    for number in ("1", "0"):
        assert train(double, weather_file, "--network", number, "--out", str(shared)) == 0
        assert f"Checkpoint: {shared / 'networks' / number}" in capsys.readouterr().out
    assert not (shared / "model.json").exists()
    assert train(double, weather_file, "--out", str(shared)) == 2
    assert "found a checkpoint; continue it with --resume" in capsys.readouterr().err
    assert train(double, weather_file, "--out", str(shared), "--resume") == 0
    assert (shared / "model.json").read_bytes() == (trained / "model.json").read_bytes()
    shutil.rmtree(shared / "networks")
    assert train(double, weather_file, "--out", str(shared), "--resume") == 0
    assert "the training is finished already" in capsys.readouterr().err
    assert not (shared / "networks").exists()


def test_a_network_can_be_scored_alone(double: Path, trained: Path, place: Home, weather_file: Path) -> None:
    wanted = {"analysis": weather_file, "members": 2, "lead": "1d", "every": "30d"}
    alone = evaluation_of(place, double, checkpoint=trained / "networks" / "1", **wanted)
    assert evaluate(alone).report.initialisations == 2
    assert (trained / "networks" / "1" / NOISE_LEVELS_PICTURE).exists()


def test_a_killed_training_resumes_in_the_same_network(
    double: Path, trained: Path, place: Home, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    system = find_system(str(double))
    directory = place.root / "killed"
    request = TrainingRequest(system, weather_file, directory)
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.training.train.combine", killed)
        with pytest.raises(KeyboardInterrupt):
            train_system(request)
    (directory / "networks" / "1" / "model.json").unlink()
    assert not (directory / "model.json").exists()
    train_system(replace(request, resume=True))
    assert (directory / "model.json").read_bytes() == (trained / "model.json").read_bytes()


def test_two_processes_train_both_networks(double: Path, place: Home, weather_file: Path) -> None:
    assert train(double, weather_file, "--processes", "2") == 0
    with open_forecast(run(double, place, weather_file, 2) / "double_20080110T0000Z.nc") as made:
        assert made.sizes["member"] == 2


def test_runs_grow(double: Path, trained: Path, place: Home, weather_file: Path) -> None:
    with open_forecast(run(double, place, weather_file, 3) / "double_20080110T0000Z.nc") as few:
        first = few["msl"].load()
    path = run(double, place, weather_file, 5)
    with open_forecast(path / "double_20080110T0000Z.nc") as many:
        np.testing.assert_array_equal(many["msl"].values[:3], first.values)
    assert read_manifest(path).delivered.members == (0, 1, 2, 3, 4)


def test_a_start_from_several_networks_goes_to_each_or_is_refused(
    double: Path, tiny: Path, trained: Path, weather_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = ("--from", str(trained), "--iterations", "1")
    assert train(double, weather_file, *origin, "--out", str(tmp_path / "on")) == 0
    before, after = load_checkpoint(trained).models, load_checkpoint(tmp_path / "on").models
    for number, model in enumerate(after):
        moved = [float((model.position - other.position).norm()) for other in before]
        assert int(np.argmin(moved)) == number
    capsys.readouterr()
    assert train(tiny, weather_file, *origin, "--out", str(tmp_path / "one")) == 2
    assert (
        f"--initial-checkpoint {trained}: expected a checkpoint of one network, found one of 2"
        in capsys.readouterr().err
    )


def test_a_card_is_fitted_to_all_networks(
    double: Path, trained: Path, weather_file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    three = tmp_path / "three.toml"
    three.write_text(double.read_text().replace("networks = 2", "networks = 3"))
    assert train(three, weather_file, "--out", str(tmp_path / "three")) == 0
    wanted = ["calibrate", str(three), "--checkpoint", str(tmp_path / "three"), "--analysis", str(weather_file)]
    assert main([*wanted, "--members", "2", "--starts", "2", "--lead", "2d"]) == 2
    assert "--members: expected at least one for each of the 3 networks" in capsys.readouterr().err
    assert main([*wanted, "--members", "3", "--starts", "2", "--lead", "2d"]) == 0


def test_an_unknown_network_is_refused(
    double: Path, place: Home, weather_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(double, weather_file, "--network", "2") == 2
    assert "system double: expected a network from 0 to 1, found 2" in capsys.readouterr().err
