"""An ensemble at two stations that is biased and has too little spread."""

import numpy as np
import pytest
import xarray as xr


@pytest.fixture
def table() -> xr.Dataset:
    rng = np.random.default_rng(5)
    starts = np.datetime64("2020-01-01", "ns") + np.arange(160) * np.timedelta64(1, "D")
    leads = np.array([24, 48], "timedelta64[h]").astype("timedelta64[ns]")
    weather = rng.normal(5, 4, (2, 160, 2))
    members = weather[..., None] + rng.normal(0, 0.5, (2, 160, 2, 9))
    dims = ("station", "init_time", "lead_time")
    observed = weather + 1.0 + rng.normal(0, 1.5, weather.shape)
    coords = {"station": ["a", "b"], "init_time": starts, "lead_time": leads}
    return xr.Dataset({"forecast": ((*dims, "member"), members), "observation": (dims, observed)}, coords)
