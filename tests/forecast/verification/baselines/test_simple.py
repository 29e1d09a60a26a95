"""Climatology and persistence of any field with time."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import MissingDataError
from forecast.verification import (
    UnscorableError,
    climatological_mean,
    climatology_forecast,
    crps,
    persistence_forecast,
)

TIMES = np.arange("2001-01-01", "2006-01-01", dtype="M8[D]").astype("M8[ns]")
STARTS = np.array(["2003-07-01", "2005-01-01"], "M8[ns]")
LEADS = np.array([1, 2], "m8[D]")


def analysis() -> xr.DataArray:
    """Seasonal cycle of amplitude 10, and the number of the year."""
    days = (TIMES - TIMES[0]) / np.timedelta64(1, "D")
    season = 10 * np.cos(2 * np.pi * days / 365.25)
    values = season[:, None] + np.array([280.0, 290.0])
    coords = {"time": TIMES, "station": ["a", "b"], "year": ("time", TIMES.astype("M8[Y]").astype(int) + 1970)}
    return xr.DataArray(values, dims=("time", "station"), coords=coords, attrs={"units": "K"})


def test_members_are_of_the_season_and_of_other_years() -> None:
    field = analysis()
    found = climatology_forecast(field, STARTS, LEADS)
    assert found.dims == ("member", "init_time", "lead_time", "station")
    assert found.sizes["member"] == 3 * 31  # the fewest: half a year about 2003-07-01 is in one year, 2005-01-01 in two
    assert found.attrs["units"] == "K"
    valid = xr.DataArray(STARTS[:, None] + LEADS, dims=("init_time", "lead_time"))
    verifying = field.sel(time=valid).drop_vars(("time", "year")).assign_coords(init_time=STARTS, lead_time=LEADS)
    assert (abs(found - verifying) < 4).all()
    assert not (found["year"] == found["init_time"].dt.year).any()
    few = climatology_forecast(field, STARTS, LEADS, members=3)
    xr.testing.assert_identical(few, found.isel(member=slice(3)))
    assert few["year"].isel(init_time=1, lead_time=0).values.tolist() == [2001, 2002, 2003]
    assert crps(found, verifying, reduce="all") < 2
    lazy = climatology_forecast(field.chunk(time=100), STARTS, LEADS)
    assert lazy.chunks is not None
    xr.testing.assert_identical(lazy.compute(), found)


def test_persistence_is_the_analysis_at_the_start() -> None:
    field = analysis()
    found = persistence_forecast(field, STARTS[0], LEADS)
    assert found.sizes == {"member": 1, "init_time": 1, "lead_time": 2, "station": 2}
    assert (found == field.sel(time=STARTS[0], drop=True)).all()
    with pytest.raises(MissingDataError, match=r"persistence from 2030-01-01.*: expected an analysis"):
        persistence_forecast(field, np.datetime64("2030-01-01"), LEADS)


def test_the_mean_follows_the_season() -> None:
    field = analysis()
    found = climatological_mean(field, STARTS)
    np.testing.assert_allclose(found, field.sel(time=STARTS), atol=0.2)
    valid = xr.DataArray(STARTS[:, None] + LEADS, dims=("init_time", "lead_time"), coords={"lead_time": LEADS})
    by_lead = climatological_mean(field, valid)
    assert by_lead.dims == ("init_time", "lead_time", "station")
    np.testing.assert_allclose(by_lead, field.sel(time=valid), atol=0.2)


def test_what_has_no_times_or_too_few_dates_is_refused() -> None:
    field = analysis()
    for call in (
        lambda: climatology_forecast(field.drop_vars("time"), STARTS, LEADS),
        lambda: climatology_forecast(field, STARTS, [1, 2]),
        lambda: climatology_forecast(field, STARTS, LEADS, members=1000),
        lambda: climatology_forecast(field.isel(time=slice(100)), STARTS - np.timedelta64(900, "D"), LEADS),
        lambda: persistence_forecast(field.isel(time=slice(None, None, -1)), STARTS, LEADS),
        lambda: climatological_mean(field.isel(time=0), STARTS),
    ):
        with pytest.raises(UnscorableError, match=r"^[a-zA-Z0-9:\- ]*: expected [^\n]*$"):
            call()
