"""The home of the year: a tiny system that follows the time of day, on a disk of its own where that is allowed."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from errno import ENOSPC
from pathlib import Path
from unittest.mock import patch

import numpy as np
import xarray as xr
from PIL import Image

from data_catalog.storage.disks import free_bytes
from pipelines.data.ingest import ingest_dataset
from pipelines.runs import forecast as forecasting
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.systems import find_system
from tests.chaos.world import DATASET, FIRST, NAME, World
from tests.pipelines.conftest import SYSTEM, invented_weather

SCHEDULE = """
[schedule]
since = 2008-01-01T00:00:00Z
catch_up = 3
wait_hours = 6

[retention]
members_days = {members_days}
products_days = {products_days}
"""
DISK_BYTES = 600 * 2**20
LEFT_BYTES = 50_000
"""What a full disk has room for."""
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class YearWorld(World):
    """A world whose cycles follow an accelerated clock.

    Attributes:
        root: Directory of everything.
    """

    @property
    def candidate(self) -> Path:
        """Checkpoint of the model that is promoted midway."""
        return self.root / "candidate"

    @contextmanager
    def disk(self) -> Iterator[bool]:
        """Put a small disk under the home, in memory, where this process may; yield whether it may."""
        self.home.root.mkdir(parents=True)
        if not _mounted(self.home.root):
            yield False
            return
        try:
            yield True
        finally:
            _LIBC.umount2(bytes(self.home.root), 2)  # even if a file is still open

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Leave no room on the disk of the home within the block; without a disk of its own, products are refused."""
        if not self.home.root.is_mount():
            refused = OSError(ENOSPC, "No space left on device", str(self.home.root / "runs"))
            with patch.object(forecasting, "make_products", side_effect=refused):
                yield
            return
        filler = self.home.root / "filler"
        with filler.open("wb") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, free_bytes(self.home.root) - LEFT_BYTES)
        try:
            yield
        finally:
            filler.unlink()

    def stamp(self, since: float, now: datetime) -> None:
        """Let the files of runs that were written since a moment be of the simulated time, as retention counts by it.

        Args:
            since: Seconds since 1970, by the clock of the machine.
            now: The simulated time.
        """
        for path in self.home.root.glob("runs/**/*"), self.home.root.glob("shadows/**/*"):
            for each in path:
                if each.stat().st_mtime >= since:
                    os.utime(each, (now.timestamp(), now.timestamp()))


def make_year(world: YearWorld, days: int, *, members_days: int, products_days: int) -> xr.Dataset:
    """Make the home, with two barely trained models and an archive that ends before the first day.

    Args:
        world: The world, on its disk.
        days: Number of days.
        members_days: How long members are kept.
        products_days: How long products are kept.

    Returns:
        The weather of the year and some days before.
    """
    last = FIRST + days + 10
    weather = invented_weather("2007-01-01", str(last)).drop_vars(["z500", "t850"], errors="ignore")
    past, year = world.root / "past.nc", weather.sel(time=slice("2007-12-01", None))
    weather.sel(time=slice(None, "2007-12-31")).to_netcdf(past, engine="netcdf4")
    (world.root / "tmp").mkdir()
    world.home.datasets.mkdir(parents=True)
    live = DATASET.format(weather=past).replace("simulated = true", "simulated = false")
    (world.home.datasets / "invented.toml").write_text(live)
    rules = SCHEDULE.format(members_days=members_days, products_days=products_days)
    world.system.write_text(SYSTEM.replace('"speedy-5p6"', '"invented"') + rules)
    system = find_system(str(world.system), world.home)
    train_system(TrainingRequest(system, past, world.home.checkpoint(NAME)))
    other = system.changed(training={**system.training.model_dump(), "iterations": 5})
    train_system(TrainingRequest(other, past, world.candidate))
    ingest_dataset(system.entry, world.home.archive("invented"), source=str(past))
    return year


def day_of(init_time: np.datetime64) -> np.datetime64:
    """Return the day of a cycle."""
    return init_time.astype("datetime64[D]")


def one_plot(run: Path, **_: object) -> list[Path]:
    """Draw a grey square in place of the figures of a run."""
    path = run / "plots" / "one.png"
    Image.new("RGB", (4, 4)).save(path)
    return [path]


def _mounted(directory: Path) -> bool:
    options = f"size={DISK_BYTES}".encode()
    return _LIBC.mount(b"tmpfs", bytes(directory), b"tmpfs", 0, options) == 0
