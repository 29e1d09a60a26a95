"""The files and messages of a training."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.storage.locks import LOCK, lock
from forecast.system.reading import read_system
from forecast.training.state import STATE
from pipelines.training.noise_levels import NOISE_LEVELS_PICTURE, show_noise_levels
from pipelines.training.train import TrainingRequest, train_system


def test_the_loss_by_noise_level_is_drawn_beside_the_checkpoint(tiny_checkpoint):
    with Image.open(tiny_checkpoint / NOISE_LEVELS_PICTURE) as picture:
        assert min(picture.size) > 300


def test_one_training_at_a_time(tiny, weather_file, tmp_path):
    system = read_system(tiny)
    with (
        lock(tmp_path / LOCK, "this"),
        pytest.raises(MissingDataError, match=r"training in .* no other process working"),
    ):
        train_system(TrainingRequest(system, weather_file, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_an_existing_checkpoint_is_not_overwritten(tiny, tiny_checkpoint, weather_file, tmp_path):
    request = TrainingRequest(read_system(tiny), weather_file, tiny_checkpoint)
    with pytest.raises(ConfigurationError, match="found a checkpoint; continue it with --resume"):
        train_system(request)
    (tmp_path / STATE).write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"found an unfinished training in .*; continue it with --resume"):
        train_system(replace(request, directory=tmp_path))


def test_missing_days_are_reported(tiny, weather_file, tmp_path, caplog):
    system = read_system(tiny)
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        weather.isel(time=np.r_[0:100, 110 : weather.sizes["time"]]).to_netcdf(tmp_path / "holed.nc", engine="netcdf4")
    for analysis in (weather_file, tmp_path / "holed.nc"):
        assert "these are used" not in caplog.text
        train_system(TrainingRequest(system, analysis, tmp_path / analysis.stem))
    expected = "from 2007-01-01 to 2007-11-30: expected 334 days, found 324, from 2007-01-01 to 2007-11-30"
    assert expected in caplog.text


def test_the_loss_by_noise_level_is_logged(tiny, tiny_checkpoint, tmp_path, caplog):
    training = json.loads((tiny_checkpoint / "model.json").read_text())["training"]
    record = training["stages"]["denoising"]["noise_levels"]
    with caplog.at_level(logging.INFO, logger="plumecast"):
        made = show_noise_levels(record, read_system(tiny), tmp_path)
    assert made.read_bytes() == (tiny_checkpoint / NOISE_LEVELS_PICTURE).read_bytes()
    assert "Relative squared error by noise level: 0.02: 1.0" in caplog.text
