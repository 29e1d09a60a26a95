"""Calibration on validation days: it widens narrow ensembles, never raises the CRPS, and refuses test days."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.calibration.card import CARD
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import load_checkpoint
from forecast.products.files.forecast_reading import open_forecast
from forecast.system.periods import Period
from pipelines.cli.app import main
from pipelines.tuning.calibrate import CalibrationRequest, calibrate, calibration_period, describe_card
from pipelines.tuning.validation import Validation
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.checkpoints import shipped_checkpoint
from pipelines.workspace.home import Home
from pipelines.workspace.open_checkpoint import open_uncalibrated
from pipelines.workspace.starts import spaced_starts
from pipelines.workspace.systems import find_system


class Toy(torch.nn.Module):
    """A network that returns a fraction of the noise: with one evaluation, members have a chosen spread."""

    def __init__(self, channels: int, spread: float) -> None:
        super().__init__()
        self.channels, self.spread = channels, spread

    def forward(self, x: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return self.spread * x[:, : self.channels]


@pytest.fixture
def wanted(place: Home, tiny: Path, weather_file: Path, tmp_path: Path) -> CalibrationRequest:
    path = tmp_path / "one.toml"
    path.write_text(tiny.read_text().replace("sampling_steps = 1", 'kind = "euler"\nsampling_steps = 1'))
    system = find_system(str(path))
    period = calibration_period(system, "2007-06-01", "2007-12-31")
    return CalibrationRequest(system, weather_file, place.checkpoint("tiny"), period, starts=5, members=4, lead_steps=2)


def toy(checkpoint: Checkpoint, spread: float) -> Checkpoint:
    checkpoint.model.network = Toy(2, spread)  # type: ignore[assignment]
    return checkpoint


def with_spread(monkeypatch: pytest.MonkeyPatch, spread: float) -> None:
    real = open_uncalibrated
    monkeypatch.setattr("pipelines.tuning.calibrate.open_uncalibrated", lambda *given: toy(real(*given), spread))


def test_too_narrow_is_widened_and_better_on_other_days(
    wanted: CalibrationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_spread(monkeypatch, 0.5)
    card = calibrate(wanted)
    assert card.record.relative_crps < 0.99
    assert card.record.seen_in_training
    widening = card.calibration.sampler.noise_inflation * np.array(card.calibration.spread["msl"])
    assert (widening > 1.2).all()
    assert card.record.before.spread_skill["msl"]["24"] < 0.7
    assert card.record.after.spread_skill["msl"]["24"] > card.record.before.spread_skill["msl"]["24"] + 0.15
    validation = on_other_days(wanted)
    checkpoint = toy(load_checkpoint(wanted.checkpoint, calibrated=False), 0.5)
    raw = validation.score(checkpoint)
    corrected = validation.score(replace(checkpoint, calibration=card.calibration))
    assert corrected.relative_crps(raw) < 0.99


def on_other_days(wanted: CalibrationRequest) -> Validation:
    analysis = open_system_analysis(wanted.analysis, wanted.system)
    period = Period(start=date(2007, 1, 1), end=date(2007, 5, 31))
    starts = spaced_starts(wanted.system, analysis["time"].values, period, count=5, lead_steps=2)
    return Validation(wanted.system, analysis, tuple(starts), members=4, lead_steps=2)


@pytest.mark.parametrize("spread", [1.0, 2.0])
def test_a_card_never_worsens_the_crps_it_is_fitted_to(
    wanted: CalibrationRequest, monkeypatch: pytest.MonkeyPatch, spread: float
) -> None:
    with_spread(monkeypatch, spread)
    card = calibrate(wanted)
    assert card.record.relative_crps <= 1.0
    assert "fair CRPS x" in describe_card(card)


def test_a_card_is_the_same_each_time_and_replaces_an_earlier_one(wanted: CalibrationRequest) -> None:
    quick = replace(wanted, starts=2, members=3)
    first = calibrate(quick)
    content = (wanted.checkpoint / CARD).read_bytes()
    assert calibrate(quick).sha256 == first.sha256
    assert (wanted.checkpoint / CARD).read_bytes() == content
    assert load_checkpoint(wanted.checkpoint).card_sha256 == first.sha256


def test_test_days_are_refused(wanted: CalibrationRequest) -> None:
    reaching = replace(wanted, period=Period(start=date(2007, 12, 1), end=date(2008, 1, 1)))
    with pytest.raises(ConfigurationError, match="apart from its test period 2008-01-01 to 2008-02-20, found 2007-12"):
        calibrate(reaching)
    assert not (wanted.checkpoint / CARD).exists()


def test_one_member_is_refused(wanted: CalibrationRequest) -> None:
    with pytest.raises(ConfigurationError, match="--members: expected at least 2, found 1"):
        calibrate(replace(wanted, members=1))


def test_the_days_are_those_of_the_validation_period_unless_named(tiny: Path) -> None:
    system = find_system(str(tiny))
    assert calibration_period(system, None, None) == system.periods.validation
    assert calibration_period(system, "2007-12-03T06", None).start == date(2007, 12, 3)
    with pytest.raises(ConfigurationError, match="--end: expected a day not before --start 2007-12-01"):
        calibration_period(system, None, "2007-11-30")


def test_no_card_goes_into_the_package(place: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "speedy-5p6"]) == 2
    assert "found only the shipped one; copy it there from" in capsys.readouterr().err
    assert not (shipped_checkpoint("speedy-5p6") / CARD).exists()


def test_the_command(
    place: Home, tiny: Path, weather_file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["calibrate", str(tiny), "--analysis", str(weather_file), "--starts", "2", "--members", "3", "--lead", "1d"]
    assert main([*words, "--end", "2008-01-10"]) == 2
    assert "plumecast: fitting 'tiny': expected days apart from its test period" in capsys.readouterr().err
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "msl" in out
    assert (place.checkpoint("tiny") / CARD).is_file()
    run = ["forecast", str(tiny), "--init", "2007-12-20", "--members", "2", "--lead", "1d", "--analysis"]
    assert main([*run, str(weather_file), "--out", str(tmp_path / "runs")]) == 0
    card = load_checkpoint(place.checkpoint("tiny")).card_sha256
    with open_forecast(next((tmp_path / "runs").rglob("tiny_*Z.nc"))) as made:
        assert made.attrs["plumecast_calibration"] == f"version 1, sha256 {card}"
