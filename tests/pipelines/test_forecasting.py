"""One cycle: growing, resuming, a single member."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.products.manifest import read_manifest, verify_manifest
from forecast.products.netcdf import open_forecast
from pipelines.forecasting import forecast_cycle
from pipelines.home import Home
from pipelines.requesting import request_cycle


def make(place: Home, tiny: Path, weather: Path, **options: object) -> Path:
    return forecast_cycle(request_cycle(place, str(tiny), "2008-01-10", analysis=weather, device="cpu", **options))


def values(run: Path) -> xr.Dataset:
    with open_forecast(run) as forecast:
        return forecast.load()


def test_run_is_whole(place: Home, tiny: Path, weather_file: Path) -> None:
    run = make(place, tiny, weather_file)
    assert run == place.runs / "tiny" / "20080110T0000Z"
    manifest = verify_manifest(run)
    assert manifest["delivered"] == {"members": [0, 1, 2, 3], "lead_hours": [24, 48, 72]}
    assert {"tiny_20080110T0000Z.nc", "tiny_20080110T0000Z_products.nc", "report.html"} <= set(manifest["files"])
    assert any(name.startswith("plots/") for name in manifest["files"])
