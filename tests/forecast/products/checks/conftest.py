"""A small forecast file, sound as it is written."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from forecast.products.checks.measuring import Measured, measure_forecast
from forecast.products.files.cf import ForecastAxes
from forecast.products.files.manifest import Contents
from forecast.products.files.netcdf import ForecastWriter

CHANNELS = ("msl", "t2m")
EXPECTED = Contents(members=(0, 1, 2, 3), lead_hours=(24, 48))
MEANS = {"msl": (101000.0, 500.0), "t2m": (280.0, 5.0)}


@pytest.fixture
def forecast(tmp_path: Path) -> Path:
    """Four members of two channels at two leads on a grid of 4 x 8."""
    path, rng = tmp_path / "forecast.nc", np.random.default_rng(0)
    axes = ForecastAxes(
        np.linspace(-67.5, 67.5, 4),
        np.arange(8) * 45.0,
        np.datetime64("2008-01-01", "ns"),
        np.array([24, 48], "timedelta64[h]").astype("timedelta64[ns]"),
    )
    words = dict.fromkeys(("title", "institution", "source", "history", "references"), "a test")
    with ForecastWriter(
        path, channels=CHANNELS, axes=axes, members=EXPECTED.members, attributes=words, step_hours=24
    ) as writer:
        for lead in (0, 1):
            fields = {
                name: (mean + scale * rng.standard_normal((4, 4, 8))).astype(np.float32)
                for name, (mean, scale) in MEANS.items()
            }
            writer.write(EXPECTED.members, lead, fields)
    return path


def altered(path: Path, name: str, member: int, lead: int, values: np.ndarray | float) -> Measured:
    with netCDF4.Dataset(path, "r+") as stored:
        stored.set_auto_mask(False)
        stored.variables[name][member, lead] = values
    return measure_forecast(path, CHANNELS)
