"""Windows of a global dataset have the grid of the region."""

import numpy as np
import pytest
import xarray as xr

from forecast.states.standardiser import grid_of
from forecast.system.training import Pretraining
from forecast.training.globe_windows import windows_of

YEAR = {"start": "2001-01-01", "end": "2001-12-31"}


@pytest.fixture
def options():
    return Pretraining(dataset="globe", period=YEAR, window_degrees=180.0)


def test_a_window_that_is_not_moved_is_the_region(globe, region, options):
    windows = list(windows_of(globe, grid_of(region), options))
    assert len(windows) == 4
    xr.testing.assert_allclose(windows[0], region)
    opposite = globe.isel(latitude=slice(4, 8)).roll(longitude=-8).isel(longitude=slice(2, 10))
    np.testing.assert_allclose(windows[1]["z500"].values, opposite["z500"].values, rtol=1e-6)


def test_without_the_mirror_there_are_half_as_many(globe, region, options):
    windows = list(windows_of(globe, grid_of(region), options.changed(mirrored=False)))
    assert len(windows) == 2
    assert all((window["time"] == globe["time"]).all() for window in windows)


def test_a_mirrored_window_reverses_northward_winds_and_seasons(globe, region, options):
    winds = globe[["u850"]].assign(v850=globe["u850"])
    mirrored = list(windows_of(winds, grid_of(region), options))[2]
    south = winds.isel(latitude=slice(3, None, -1), longitude=slice(2, 10))
    np.testing.assert_allclose(mirrored["u850"].values, south["u850"].values, rtol=1e-5)
    np.testing.assert_allclose(mirrored["v850"].values, -south["v850"].values, rtol=1e-5)
    assert mirrored["time"].values[0] - globe["time"].values[0] == np.timedelta64(183, "D")


def test_values_are_interpolated_linearly(globe, region, options):
    grid = grid_of(region.assign_coords(longitude=region["longitude"] - 360 + 5, latitude=region["latitude"] - 4))
    linear = (globe["z500"] * 0 + globe["latitude"]).to_dataset(name="z500")
    window = next(windows_of(linear, grid, options))
    expected = np.broadcast_to(grid.latitude[:, None], window["z500"].shape)
    np.testing.assert_allclose(window["z500"].values, expected, atol=1e-4)
