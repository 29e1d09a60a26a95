"""Calibration on validation days: what is too narrow is widened, the CRPS never gets worse, test days are refused."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.calibration.card import CARD
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import load_checkpoint
from forecast.system.periods import Period
from pipelines.cli.app import main
from pipelines.tuning.calibrate import CalibrationRequest, calibrate, describe_card, request_calibration
from pipelines.tuning.validation import Validation, spaced_starts
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.checkpoints import shipped_checkpoint
from pipelines.workspace.home import Home


class Toy(torch.nn.Module):
    """A network that returns a part of the noise: with one evaluation, members of a spread of choice."""

    def __init__(self, channels: int, spread: float) -> None:
        super().__init__()
        self.channels, self.spread = channels, spread

    def forward(self, x: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return self.spread * x[:, : self.channels]


@pytest.fixture
def wanted(place: Home, tiny: Path, weather_file: Path, tmp_path: Path) -> CalibrationRequest:
    path = tmp_path / "one.toml"
    path.write_text(tiny.read_text().replace("sampling_steps = 2", 'kind = "euler"\nsampling_steps = 1'))
    return request_calibration(
        place, str(path), analysis=weather_file, starts=5, members=4, lead="2d", device="cpu",
        start="2007-06-01", end="2007-12-31",
    )  # fmt: skip


def toy(checkpoint: Checkpoint, spread: float) -> Checkpoint:
    checkpoint.model.network = Toy(2, spread)  # type: ignore[assignment]
    return checkpoint


def with_spread(monkeypatch: pytest.MonkeyPatch, spread: float) -> None:
    real = load_checkpoint
    monkeypatch.setattr(
        "pipelines.tuning.calibrate.load_checkpoint", lambda *given, **options: toy(real(*given, **options), spread)
    )


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


def test_no_forecast_leaves_the_period(wanted: CalibrationRequest) -> None:
    times = (np.datetime64("2007-01-01") + np.arange(400)).astype("datetime64[ns]")
    period = Period(start=date(2007, 12, 20), end=date(2007, 12, 31))
    starts = spaced_starts(wanted.system, times, period, count=100, lead_steps=3)
    assert (str(starts[0])[:10], str(starts[-1])[:10]) == ("2007-12-21", "2007-12-28")
    with pytest.raises(MissingDataError, match="found none among 4 analyses"):
        spaced_starts(
            wanted.system, times, Period(start=date(2007, 12, 20), end=date(2007, 12, 23)), count=9, lead_steps=3
        )


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
    from forecast.products.files.forecast_reading import open_forecast

    card = load_checkpoint(place.checkpoint("tiny")).card_sha256
    with open_forecast(next((tmp_path / "runs").rglob("tiny_*Z.nc"))) as made:
        assert made.attrs["plumecast_calibration"] == f"version 1, sha256 {card}"
