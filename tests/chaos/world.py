"""A home with a tiny system of invented weather, whose cycles take seconds and are made by the command line."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import SYSTEM, invented_weather

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
    def system(self) -> Path:
        """The system file."""
        return self.root / "tiny.toml"

    def environment(self) -> dict[str, str]:
        """Environment variables of the command line in this world."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PLUMECAST_"))}
        own = {"PLUMECAST_HOME": str(self.home.root), "HOME": str(self.root), "TMPDIR": str(self.root / "tmp")}
        return kept | own | {"OMP_NUM_THREADS": "1"}

    def command(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a command in a session of its own; its output goes to `log` in this world.

        Args:
            words: After the name of the program.
        """
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(  # our own command line
                [sys.executable, "-m", "pipelines", *words],
                stdout=log,
                stderr=log,
                env=self.environment(),
                cwd=self.root,
                start_new_session=True,
            )

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
    world, weather = World(root), root / "weather.nc"
    (root / "tmp").mkdir(parents=True)
    invented_weather().to_netcdf(weather, engine="netcdf4")
    _write_dataset(world)
    world.system.write_text(SYSTEM.replace('"speedy-5p6"', '"invented"'))
    system = find_system(str(world.system), world.home)
    train_system(TrainingRequest(system, weather, world.home.checkpoint(NAME)))
    return world


def _write_dataset(world: World) -> None:
    world.home.datasets.mkdir(parents=True, exist_ok=True)
    (world.home.datasets / "invented.toml").write_text(DATASET.format(weather=world.root / "weather.nc"))
