"""Functions of one field take a Dataset variable by variable, and refuse what is neither."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast import verification
from forecast.verification import UnscorableError

GRID = {"latitude": np.linspace(80, -80, 17), "longitude": np.arange(0, 360, 10.0)}
TIMES = np.datetime64("2001-01-01", "ns") + np.arange(4 * 366) * np.timedelta64(24, "h")
CALLS: dict[str, Callable[[Any], Any]] = {
    "at_stations": lambda field: verification.at_stations(field, [10.0, 20.0], [30.0, 40.0], method="linear"),
    "spectrum": lambda field: verification.spectrum(field, truncation=5),
    "paired_t_test": lambda field: verification.paired_t_test(field, dim="time"),
    "block_bootstrap": lambda field: verification.block_bootstrap(field, dim="time", samples=99),
    "diebold_mariano": lambda field: verification.diebold_mariano(field, dim="time"),
    "rank_histogram_test": lambda field: verification.rank_histogram_test(field, cases=50),
    "climatological_mean": lambda field: verification.climatological_mean(field, TIMES[:2]),
    "climatology_forecast": lambda field: verification.climatology_forecast(
        field, TIMES[400], np.timedelta64(24, "h"), members=3
    ),
    "persistence_forecast": lambda field: verification.persistence_forecast(field, TIMES[400], np.timedelta64(24, "h")),
}


def fields(name: str) -> xr.Dataset:
    rng = np.random.default_rng(0)
    if name in ("at_stations", "spectrum"):
        one = xr.DataArray(rng.normal(size=(17, 36)), GRID, tuple(GRID))
    else:
        one = xr.DataArray(rng.random(len(TIMES)) + 0.5, {"time": TIMES}, ("time",))
    if name in ("block_bootstrap", "rank_histogram_test"):
        one = one.isel(time=slice(30)).rename(time="time" if name == "block_bootstrap" else "rank")
    return xr.Dataset({"t2m": one.assign_attrs(units="K"), "u10": 2 * one})


@pytest.mark.parametrize("name", CALLS)
def test_a_dataset_is_taken_variable_by_variable(name: str) -> None:
    given = fields(name)
    found = CALLS[name](given)
    assert isinstance(found, xr.Dataset)
    for variable, field in given.items():
        expected = CALLS[name](field)
        if isinstance(expected, xr.Dataset):
            xr.testing.assert_equal(found.sel(variable=variable, drop=True), expected)
        else:
            xr.testing.assert_identical(found[variable], expected.rename(variable))


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_field_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UnscorableError, match=r"^[a-z]*: expected a DataArray with named dimensions, found ndarray$"):
        CALLS[name](np.ones(20))
    with pytest.raises(UnscorableError, match=r"^[a-z]*: expected at least one variable, found none$"):
        CALLS[name](fields(name)[[]])


def test_results_of_other_dimensions_cannot_be_joined() -> None:
    series = xr.DataArray(np.random.default_rng(0).normal(size=20), dims="init_time")
    both = xr.Dataset({"t2m": series, "z": series.expand_dims(level=2)})
    with pytest.raises(UnscorableError, match=r"^difference: expected variables of the same dimensions, .*t2m.*z"):
        verification.paired_t_test(both)


def test_the_spread_of_a_dataset_needs_no_analysis() -> None:
    members = xr.DataArray(np.random.default_rng(0).normal(size=(5, 4)), dims=("member", "case"))
    found = verification.spread(xr.Dataset({"t2m": members, "u10": 2 * members}), reduce="all")
    assert float(found["t2m"]) == pytest.approx(float(verification.spread(members, reduce="all")))
    assert float(found["u10"]) == pytest.approx(2 * float(found["t2m"]))
