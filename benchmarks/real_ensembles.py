"""Real ensembles as NetCDF for the tests of scores: `forecast` (member and three dimensions) and its `analysis`.

    python benchmarks/real_ensembles.py SOURCES OUT
    PLUMECAST_ENSEMBLES=OUT pytest tests/forecast/verification/scores

SOURCES holds seas5_t2m_15members_with_era5_2000-2005.nc, gefs_innsbruck_temp.csv and, if cfgrib is installed,
z500_ens.grib. Only the numbers matter for the tests; the times and places of the single station are invented to fill a
grid.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

DIMS = ("lead_time", "latitude", "longitude")


def main() -> None:
    source, out = map(Path, sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    _seas5(source / "seas5_t2m_15members_with_era5_2000-2005.nc").to_netcdf(out / "seas5.nc")
    _station(source / "gefs_innsbruck_temp.csv").to_netcdf(out / "gefs_innsbruck.nc")
    if importlib.util.find_spec("cfgrib"):
        _ens(source / "z500_ens.grib").to_netcdf(out / "z500_ens.nc")


def _seas5(path: Path) -> xr.Dataset:
    """Return six starts and three months as 18 leads; every second point, as pairs of points grow quadratically."""
    with xr.open_dataset(path) as file:
        stacked = file.isel(latitude=slice(None, None, 2), longitude=slice(None, None, 2)).load()
    stacked = stacked.stack(lead_time=("start_date", "lead_month")).reset_index("lead_time", drop=True)
    stacked = stacked.rename(number="member", t2m_forecast="forecast", t2m_reference="analysis")
    return stacked.reset_coords(drop=True)[["forecast", "analysis"]].transpose("member", *DIMS)


def _station(path: Path) -> xr.Dataset:
    """Return 2740 dates as 4 leads of 5 x 137 points."""
    table = pd.read_csv(path, index_col=0).iloc[:2740]
    values = table.filter(like="tempfc").to_numpy().T.reshape(-1, 4, 5, 137)
    observed = table["temp"].to_numpy().reshape(4, 5, 137)
    coords = {"latitude": np.arange(45.0, 50.0), "longitude": np.arange(137.0)}
    return xr.Dataset({"forecast": (("member", *DIMS), values), "analysis": (DIMS, observed)}, coords)


def _ens(path: Path) -> xr.Dataset:
    """Return 50 members, with the control run as analysis because there is none; every fourth point."""
    options = {"engine": "cfgrib", "backend_kwargs": {"indexpath": ""}}
    members, control = (
        xr.open_dataset(path, **{**options, "backend_kwargs": {"indexpath": "", "filter_by_keys": {"dataType": kind}}})
        for kind in ("pf", "cf")
    )
    some = {"latitude": slice(None, None, 4), "longitude": slice(None, None, 4)}
    forecast = members["z"].isel(some).rename(number="member").expand_dims("lead_time", axis=1)
    analysis = control["z"].isel(some).expand_dims("lead_time")
    both = xr.Dataset({"forecast": forecast.reset_coords(drop=True), "analysis": analysis.reset_coords(drop=True)})
    return both.transpose("member", *DIMS)


if __name__ == "__main__":
    main()
