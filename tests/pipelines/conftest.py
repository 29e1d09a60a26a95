"""A tiny system with synthetic weather, for pipelines that run in seconds."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from data_catalog import catalog
from data_catalog.catalog import dataset
from data_catalog.layout.variables import channel
from pipelines.runs.cycle import Cycle
from pipelines.scoring.evaluation_request import EvaluationRequest
from pipelines.terminal.times import parse_end, parse_hours, parse_time
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.home import Home, home
from pipelines.workspace.systems import find_system, in_steps, requested_lead_steps

SYSTEM = """
name = "tiny"
title = "Invented weather"
dataset = "speedy-5p6"

[state]
predictands = ["msl", "t2m"]
static = ["orography"]

[periods]
training = { start = 2007-01-01, end = 2007-11-30 }
validation = { start = 2007-12-01, end = 2007-12-31 }
test = { start = 2008-01-01, end = 2008-02-20 }

[anchor]
kind = "persistence"

[network]
patch = 2
widths = [8, 8]
blocks = 1
position_features = 1

[training]
iterations = 3
batch_size = 4
validation_samples = 4
warmup_iterations = 1

[sampler]
sampling_steps = 1

[forecast]
members = 4
lead_days = 3
batch_size = 2

[products]
map_channels = ["msl"]
map_lead_days = [1, 3]
points = [{ name = "London", latitude = 51.5, longitude = 359.9 }]
probabilities = [{ channel = "t2m", below = 273.15 }]

[verification]
baseline_eofs = 4
"""

MEANS = {
    "z500": (54000, 600),
    "t850": (280, 4),
    "q850": (5e-3, 5e-4),
    "msl": (101000, 600),
    "t2m": (285, 3),
    "tp24": (3, 0.5),
}


def invented_weather(
    first: str = "2007-01-01", last: str = "2008-02-20", seed: int = 0, every_hours: int = 24
) -> xr.Dataset:
    """Fields of every channel of the dataset that vary about their means, daily by default."""
    entry = dataset("speedy-5p6")
    step = np.timedelta64(every_hours, "h")
    time = np.arange(np.datetime64(first, "h"), np.datetime64(last, "h") + step, step).astype("datetime64[ns]")
    latitude, longitude = np.linspace(-78.75, 78.75, 8), np.arange(16) * 22.5
    generator = np.random.default_rng(seed)
    fields = {}
    for name in entry.channels:
        mean, scale = MEANS.get(name, (0, 5))
        noise = generator.standard_normal((time.size, 8, 16))
        for index in range(1, time.size):
            noise[index] = 0.8 * noise[index - 1] + 0.6 * noise[index]
        values = np.maximum(mean + scale * noise, 0 if mean else -np.inf).astype(np.float32)
        fields[name] = (("time", "latitude", "longitude"), values, {"units": channel(name).variable.units})
    for name in entry.static:
        values = generator.random((8, 16), dtype=np.float32)
        fields[name] = (("latitude", "longitude"), values, {"units": channel(name).variable.units})
    axes = {"latitude": {"units": "degrees_north"}, "longitude": {"units": "degrees_east"}}
    weather = xr.Dataset(fields, coords={"time": time, "latitude": latitude, "longitude": longitude})
    for name, attributes in axes.items():
        weather[name].attrs |= attributes
    return weather


@pytest.fixture(scope="session")
def weather_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weather") / "weather.nc"
    invented_weather().to_netcdf(path, engine="netcdf4")
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The system file."""
    path = tmp_path_factory.mktemp("system") / "tiny.toml"
    path.write_text(SYSTEM)
    return path


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny: Path, weather_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A barely trained model with its baselines."""
    directory = tmp_path_factory.mktemp("checkpoint")
    system = find_system(str(tiny))
    return train_system(TrainingRequest(system, weather_file, directory / "tiny"))


def on_any_grid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a shipped dataset lie on any grid, so that few points of weather may stand for it."""
    shipped = catalog._shipped()
    entries = {**shipped, name: shipped[name].model_copy(update={"grid": None})}
    monkeypatch.setattr(catalog, "_shipped", lambda: entries)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Path) -> Home:
    """A home that is empty except for the checkpoint, where invented weather may be ingested."""
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "home"))
    on_any_grid(monkeypatch, "speedy-5p6")
    made = home()
    shutil.copytree(tiny_checkpoint, made.checkpoint("tiny"))
    return made


def cycle_of(place: Home, system: Path, init: str, **wanted: Any) -> Cycle:
    """The request for a run of a system's file on the CPU.

    Args:
        place: Its home.
        system: File.
        init: ISO time.
        wanted: Fields of a cycle; `members` as their number, and `lead` and `step` in words.
    """
    found = in_steps(find_system(str(system)), wanted.pop("step", None))
    members = wanted.pop("members", None) or found.forecast.members
    usual = {
        "system": found,
        "init_time": parse_time(init),
        "runs": place.runs,
        "checkpoint": place.checkpoint(found.name),
        "members": members if isinstance(members, tuple) else tuple(range(members)),
        "lead_steps": requested_lead_steps(found, wanted.pop("lead", None)),
    }
    return Cycle(**(usual | wanted))


def evaluation_of(place: Home, system: Path, **wanted: Any) -> EvaluationRequest:
    """The request for an evaluation of a system's file on the CPU, over its test period.

    Args:
        place: Its home.
        system: File.
        wanted: Fields of the request; `start`, `end`, `every`, `lead` and `step` in words.
    """
    found = in_steps(find_system(str(system)), wanted.pop("step", None))
    test = found.periods.test
    usual = {
        "system": found,
        "checkpoint": place.checkpoint(found.name),
        "scores": place.score_archive(found.name),
        "start": parse_time(wanted.pop("start", None) or str(test.start)),
        "end": parse_end(wanted.pop("end", None) or str(test.end)),
        "every_hours": parse_hours(wanted.pop("every", "6d")),
        "members": found.forecast.members,
        "lead_steps": requested_lead_steps(found, wanted.pop("lead", None)),
    }
    return EvaluationRequest(**(usual | wanted))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Leave the logger as each test found it."""
    logger = logging.getLogger("plumecast")
    handlers, level = list(logger.handlers), logger.level
    yield
    logger.handlers[:], logger.level = handlers, level
