"""`.ens` gives what the functions of the package give."""

import numpy as np
import pytest
import xarray as xr

import plumecast

RNG = np.random.default_rng(3)
LEADS = np.array([24, 48], "timedelta64[h]").astype("timedelta64[ns]")
COORDS = {
    "lead_time": LEADS,
    "latitude": [40.0, 50.0],
    "longitude": [0.0, 10.0, 20.0],
    "init_time": np.datetime64("2008-01-05", "ns"),
}
DIMS = ("member", "lead_time", "latitude", "longitude")
FORECAST = xr.Dataset({name: (DIMS, RNG.normal(size=(6, 2, 2, 3))) for name in ("t2m", "msl")}, COORDS)
CLIMATE = xr.DataArray(
    RNG.normal(size=(30, 2, 3)),
    dims=("year", "latitude", "longitude"),
    coords={"latitude": [40.0, 50.0], "longitude": [0.0, 10.0, 20.0]},
)
ANALYSIS = FORECAST.isel(member=0, drop=True)
T2M = FORECAST["t2m"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (T2M.ens.mean(), T2M.mean("member")),
        (FORECAST.ens.mean(), FORECAST.mean("member")),
        (T2M.ens.spread(), T2M.std("member", ddof=1)),
        (FORECAST.ens.spread(), FORECAST.std("member", ddof=1)),
        (T2M.ens.quantile(0.5), T2M.quantile(0.5, "member")),
        (FORECAST.ens.quantile([0.1, 0.9]), FORECAST.quantile([0.1, 0.9], "member")),
        (T2M.ens.event("> 0"), (T2M > 0).astype(np.float32)),
        (T2M.ens.probability("> 0"), (T2M > 0).mean("member")),
        (FORECAST.ens.event("t2m > 0"), (T2M > 0).astype(np.float32)),
        (FORECAST.ens.probability("t2m > 0 and msl < 0"), ((T2M > 0) & (FORECAST["msl"] < 0)).mean("member")),
        (T2M.ens.efi(CLIMATE), plumecast.extreme_forecast_index(T2M, CLIMATE)),
        (T2M.ens.sot(CLIMATE, 0.1), plumecast.shift_of_tails(T2M, CLIMATE, quantile=0.1)),
        (T2M.ens.tercile(CLIMATE), plumecast.most_likely_tercile(T2M, CLIMATE)),
        (T2M.ens.score("crps", ANALYSIS["t2m"]), plumecast.verification.crps(T2M, ANALYSIS["t2m"])),
        (FORECAST.ens.score("crps", ANALYSIS)["t2m"], plumecast.verification.crps(T2M, ANALYSIS["t2m"])),
    ],
    ids=str,
)
def test_each_is_that_of_a_function(found: xr.Dataset | xr.DataArray, expected: xr.Dataset | xr.DataArray) -> None:
    xr.testing.assert_allclose(found, expected)


def test_figures() -> None:
    figures = [
        FORECAST.ens.plume((50.0, 10.0), channels=["t2m"]),
        FORECAST.ens.map("msl", ["1d"]),
        FORECAST.ens.stamps("msl", "48h"),
    ]
    assert [type(figure).__name__ for figure in figures] == ["Figure"] * 3
