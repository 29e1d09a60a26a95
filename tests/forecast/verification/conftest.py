"""Small ensembles of the awkward kinds, shared by the tests of scores."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

KINDS = ("random", "tied", "constant", "offset", "single", "pair")
REAL = tuple(map(str, sorted(Path(os.environ.get("PLUMECAST_ENSEMBLES", os.devnull)).glob("*.nc"))))
"""Files with `forecast` and `analysis`, checked against other libraries too; see benchmarks/real_ensembles.py."""


def _make_pair(kind: str, *, members: int = 9, dtype: type = np.float64) -> tuple[xr.DataArray, xr.DataArray]:
    """Forecast (member, lead_time, latitude, longitude) and its analysis."""
    if kind in REAL:
        with xr.open_dataset(kind) as file:
            return file["forecast"].astype(dtype).load(), file["analysis"].astype(dtype).load()
    rng = np.random.default_rng(KINDS.index(kind))
    members = {"single": 1, "pair": 2}.get(kind, members)
    latitude, longitude = np.linspace(-75, 75, 6), np.arange(0, 360, 45.0)
    values = rng.gamma(2.0, size=(members, 3, 6, 8))
    observed = rng.gamma(2.0, size=(3, 6, 8))
    if kind == "tied":
        values, observed = np.round(values), np.round(observed)
    if kind == "constant":
        values = np.ones_like(values)
    if kind == "offset":
        values, observed = 5e4 + 5 * values, 5e4 + 5 * observed
    coords = {
        "lead_time": np.arange(1, 4) * np.timedelta64(24, "h").astype("timedelta64[ns]"),
        "latitude": latitude,
        "longitude": longitude,
    }
    dims = ("lead_time", "latitude", "longitude")
    analysis = xr.DataArray(observed.astype(dtype), dims=dims, coords=coords, attrs={"units": "K"})
    coords["member"] = np.arange(members)
    forecast = xr.DataArray(values.astype(dtype), dims=("member", *dims), coords=coords, attrs={"units": "K"})
    return forecast, analysis


@pytest.fixture
def make_pair() -> Callable[..., tuple[xr.DataArray, xr.DataArray]]:
    """Call it with a kind, and `members` or `dtype`."""
    return _make_pair


@pytest.fixture(params=KINDS + REAL)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=KINDS)
def made_kind(request: pytest.FixtureRequest) -> str:
    """A kind that is made here: on a globe, and not a file."""
    return str(request.param)
