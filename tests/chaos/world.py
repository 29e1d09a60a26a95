"""A home with a tiny system of invented weather, whose cycles take seconds and are made by the command line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from pipelines.terminal.tied import launcher_variable, tied_command
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import MEANS, SYSTEM, invented_weather

NAME = "tiny"
DATASET = """
name = "invented"
title = "Invented weather"
source = "files"
location = "{weather}"
channels = ["msl", "t2m"]
static = ["orography"]
step_hours = 24
period_start = 2007-01-01
licence = "none"
simulated = true
description = "For tests."
"""
FIRST = np.datetime64("2008-01-01", "D")
"""Init time of the first cycle: the test period of the system begins then."""


@dataclass(frozen=True)
class World:
    """A home, the tiny system, and the weather that its cycles ingest.

    Attributes:
        root: Directory of everything.
    """

    root: Path

    @property
    def home(self) -> Home:
        """The home directory."""
        return Home(self.root / "home")

    @property
    def weather(self) -> Path:
        """The file that the dataset is read from."""
        return self.root / "weather.nc"

    @property
    def system(self) -> Path:
        """The system file."""
        return self.root / "tiny.toml"

    def environment(self) -> dict[str, str]:
        """Environment variables of the command line in this world."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PLUMECAST_"))}
        own = {"PLUMECAST_HOME": str(self.home.root), "HOME": str(self.root), "TMPDIR": str(self.root / "tmp")}
        return kept | own | {"OMP_NUM_THREADS": "1"}

    def command(self, *words: str, **variables: str) -> "subprocess.Popen[bytes]":
        """Start a command in a session of its own; its output goes to `log` in this world.

        Args:
            words: After the name of the program.
            variables: Further environment variables.
        """
        return self.start([sys.executable, "-m", "pipelines", *words], variables)

    def standing(self, *words: str, **variables: str) -> "subprocess.Popen[bytes]":
        """Start a Python program that ends with this process, such as a server.

        Args:
            words: Module and arguments.
            variables: Further environment variables.
        """
        return self.start(tied_command(words), launcher_variable() | variables)

    def start(self, command: Sequence[str], variables: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Start a process in a session of its own; its output goes to `log` in this world."""
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env=self.environment() | dict(variables),
                cwd=self.root,
                start_new_session=True,
            )

    def reach(self, last: np.datetime64) -> None:
        """Let the weather go on until a day, as its source does from day to day.

        Args:
            last: The last day that is there afterwards.
        """
        with xr.open_dataset(self.weather, engine="netcdf4") as stored:
            weather = stored.load()
        days = [weather]
        while (day := days[-1]["time"].values[-1] + np.timedelta64(1, "D")) <= last:
            days.append(_day_after(days[-1].isel(time=[-1]), day))
        if len(days) > 1:
            fresh = self.weather.with_suffix(".new")
            xr.concat(days, "time", data_vars="minimal").to_netcdf(fresh, engine="netcdf4")
            fresh.replace(self.weather)

    def copied_to(self, root: Path) -> "World":
        """Return a copy of this world elsewhere, whose dataset names the weather there.

        Args:
            root: Directory that does not exist yet.
        """
        shutil.copytree(self.root, root)
        copy = World(root)
        _write_dataset(copy)
        return copy


def make_world(root: Path) -> World:
    """Make a world with a barely trained model and without any cycle.

    Args:
        root: Directory that is empty or does not exist yet.
    """
    world = World(root)
    (root / "tmp").mkdir(parents=True)
    invented_weather().to_netcdf(world.weather, engine="netcdf4")
    _write_dataset(world)
    world.system.write_text(SYSTEM.replace('"speedy-5p6"', '"invented"'))
    system = find_system(str(world.system), world.home)
    train_system(TrainingRequest(system, world.weather, world.home.checkpoint(NAME)))
    return world


def _write_dataset(world: World) -> None:
    world.home.datasets.mkdir(parents=True, exist_ok=True)
    (world.home.datasets / "invented.toml").write_text(DATASET.format(weather=world.weather))


def _day_after(weather: xr.Dataset, day: np.datetime64) -> xr.Dataset:
    """The weather of a day, which depends on the day before and on the day alone."""
    rng = np.random.default_rng(int(day.astype("datetime64[D]").astype(int)))
    after = weather.copy(deep=True).assign_coords(time=[day])
    for name in (name for name in weather.data_vars if "time" in weather[name].dims):
        mean, scale = MEANS.get(str(name), (0, 5))
        noise = rng.standard_normal(weather[name].shape)
        values = mean + 0.8 * (weather[name].values - mean) + 0.6 * scale * noise
        after[name].values = np.maximum(values, 0 if mean else -np.inf).astype(np.float32)
    return after
