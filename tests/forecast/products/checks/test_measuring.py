"""What one pass over a forecast file measures."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from forecast.products.checks.measuring import measure_forecast
from tests.forecast.products.checks.conftest import CHANNELS, EXPECTED


def test_every_field_is_read_once(forecast: Path) -> None:
    measured = measure_forecast(forecast, CHANNELS)
    assert (measured.members, measured.lead_hours) == (EXPECTED.members, EXPECTED.lead_hours)
    assert (measured.fields, measured.values, len(measured.checksums)) == (16, 512, 16)
    assert measured.digest == measured.written
    assert measure_forecast(forecast, ("msl", "z500")).channels == ("msl",)


def test_spread_is_weighted_by_area(forecast: Path) -> None:
    measured = measure_forecast(forecast, CHANNELS)
    with netCDF4.Dataset(forecast) as stored:
        members = np.asarray(stored.variables["t2m"][:, 0], np.float64)
    edges = np.sin(np.deg2rad([-90, -45, 0, 45, 90]))
    by_hand = np.sqrt((members.var(axis=0, ddof=1).mean(axis=1) * np.diff(edges)).sum() / 2)
    assert measured.spread["t2m"][0] == pytest.approx(by_hand, rel=1e-6)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "forecast.nc"
    path.write_bytes(b"no forecast")
    with pytest.raises(InvalidDataError, match="expected a readable forecast file"):
        measure_forecast(path, CHANNELS)
