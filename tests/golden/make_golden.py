"""Make the golden files anew with the release at hand: an archive, a checkpoint, a run and its scores, all tiny.

    python tests/golden/make_golden.py tests/golden/release-X.Y

Files of earlier releases stay beside it: they must go on opening.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import xarray as xr

from pipelines.cli.app import main as plumecast

SYSTEM = Path(__file__).with_name("golden.toml")


def make_weather(path: Path) -> None:
    """430 days of sea-level pressure that wanders about its mean."""
    days, generator = 430, np.random.default_rng(0)
    anomaly = generator.normal(size=(days, 5, 7))
    for day in range(1, days):
        anomaly[day] = 0.8 * anomaly[day - 1] + 0.6 * anomaly[day]
    coords = {
        "time": np.datetime64("2001-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D"),
        "latitude": ("latitude", np.linspace(40, 60, 5), {"units": "degrees_north"}),
        "longitude": ("longitude", np.linspace(-30, 0, 7), {"units": "degrees_east"}),
    }
    msl = (101000 + 600 * anomaly).astype("f4").round(0)
    xr.Dataset({"msl": (("time", "latitude", "longitude"), msl, {"units": "Pa"})}, coords).to_netcdf(path)


def main(home: Path) -> int:
    os.environ["PLUMECAST_HOME"] = str(home)
    weather = home / "weather.nc"
    home.mkdir(parents=True)
    make_weather(weather)
    for words in (
        ["ingest", "ncep-natlantic", "--source", str(weather)],
        ["train", str(SYSTEM)],
        ["forecast", str(SYSTEM), "--init", "2002-02-03"],
        ["verify", str(home / "runs" / "golden" / "20020203T0000Z")],
    ):
        if status := plumecast(words):
            return status
    weather.unlink()
    for leftover in ("checkpoints/golden/networks", "runs/.working"):
        shutil.rmtree(home / leftover, ignore_errors=True)
    for leftover in (*home.rglob("*.lock"), home / "checkpoints" / "golden" / "noise_levels.png"):
        leftover.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
