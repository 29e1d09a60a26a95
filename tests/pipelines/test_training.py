"""What training leaves beside the checkpoint."""

import json
import logging

from PIL import Image

from forecast.system import read_system
from pipelines.training import NOISE_LEVELS_PICTURE, show_noise_levels


def test_the_loss_by_noise_level_is_drawn_beside_the_checkpoint(tiny_checkpoint):
    with Image.open(tiny_checkpoint / NOISE_LEVELS_PICTURE) as picture:
        assert min(picture.size) > 300


def test_the_loss_by_noise_level_is_logged(tiny, tiny_checkpoint, tmp_path, caplog):
    training = json.loads((tiny_checkpoint / "model.json").read_text())["training"]
    record = training["stages"]["denoising"]["noise_levels"]
    with caplog.at_level(logging.INFO, logger="plumecast"):
        made = show_noise_levels(record, read_system(tiny), tmp_path)
    assert made.read_bytes() == (tiny_checkpoint / NOISE_LEVELS_PICTURE).read_bytes()
    assert "Relative squared error by noise level: 0.02: 1.0" in caplog.text
