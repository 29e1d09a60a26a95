"""A system small enough to train in a test, and its weather."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import load_checkpoint
from forecast.system.system import System
from forecast.training.train import train


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def travelling_waves(latitude: np.ndarray, longitude: np.ndarray, days: int, seed: int = 0) -> xr.Dataset:
    """Waves that drift east, with a season and some noise, so that they are partly predictable."""
    generator = np.random.default_rng(seed)
    times = np.datetime64("2001-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D")
    angle = np.deg2rad(longitude)[None, None, :] - 0.4 * np.arange(days)[:, None, None]
    profile = np.cos(np.deg2rad(latitude))[None, :, None]
    season = np.sin(2 * np.pi * np.arange(days) / 365.25)[:, None, None]
    amplitude = np.convolve(generator.normal(size=days + 20), np.ones(21) / 21, mode="valid")[:, None, None]
    wave = profile * (np.sin(2 * angle) + (1 + amplitude) * np.cos(3 * angle))
    noise = generator.normal(size=(3, *wave.shape)) * 0.1
    dims = ("time", "latitude", "longitude")
    fields = {
        "z500": (dims, (55000 + 800 * wave + 300 * season + 80 * noise[0]).astype(np.float32)),
        "u850": (dims, (10 * np.roll(wave, 2, axis=2) + noise[1]).astype(np.float32)),
        "tp24": (dims, (np.maximum(0, wave + noise[2]) ** 2).astype(np.float32)),
        "orography": (("latitude", "longitude"), (1000 * profile[0] * np.ones_like(wave[0])).astype(np.float32)),
    }
    return xr.Dataset(fields, coords={"time": times, "latitude": latitude, "longitude": longitude})


def cell_centres(latitudes: int, longitudes: int) -> tuple[np.ndarray, np.ndarray]:
    edge = 90.0 / latitudes
    return np.linspace(-90 + edge, 90 - edge, latitudes), np.arange(longitudes) * 360.0 / longitudes


@pytest.fixture(scope="session")
def analysis() -> xr.Dataset:
    return travelling_waves(*cell_centres(8, 16), days=400)


@pytest.fixture(scope="session")
def system() -> System:
    def period(start: date, end: date) -> dict[str, date]:
        return {"start": start, "end": end}

    content = {
        "name": "tiny",
        "title": "Waves for tests",
        "dataset": "tiny",
        "state": {"predictands": ["z500", "u850", "tp24"], "static": ["orography"]},
        "periods": {
            "training": period(date(2001, 1, 1), date(2001, 11, 30)),
            "validation": period(date(2001, 12, 1), date(2001, 12, 31)),
            "test": period(date(2002, 1, 1), date(2002, 2, 4)),
        },
        "anchor": {"kind": "persistence"},
        "network": {"patch": 2, "widths": [8, 16], "blocks": 1, "position_features": 2},
        "training": {"iterations": 6, "batch_size": 4, "warmup_iterations": 1, "validation_samples": 4},
        "sampler": {"sampling_steps": 3},
        "forecast": {"members": 4, "lead_days": 3, "batch_size": 2},
    }
    return System.model_validate(content)


@pytest.fixture(scope="session")
def checkpoint(system: System, analysis: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    directory: Path = tmp_path_factory.mktemp("checkpoint")
    for _ in train(system, analysis, directory):
        pass
    return load_checkpoint(directory)
