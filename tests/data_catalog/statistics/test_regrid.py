from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.statistics.regrid import latitude_edges, latitude_weights, longitude_edges, longitude_weights, regrid

MakeAnalysis = Callable[..., xr.Dataset]
GAUSSIAN_48 = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(48)[0]))
GRIDS = {
    "gaussian": (GAUSSIAN_48, np.arange(0.0, 360.0, 3.75)),
    "equiangular": (np.linspace(-87.1875, 87.1875, 32), np.arange(0.0, 360.0, 5.625)),
    "pole points": (np.linspace(-90.0, 90.0, 37), np.arange(0.0, 360.0, 5.0)),
    "shifted": (np.linspace(-80.0, 80.0, 9), np.arange(7.0, 360.0, 20.0)),
}


def _area_mean(field: xr.DataArray) -> np.ndarray:
    rows = np.diff(np.sin(np.deg2rad(latitude_edges(field["latitude"].values))))
    columns = np.diff(longitude_edges(field["longitude"].values))
    weights = rows[:, np.newaxis] * columns / (rows.sum() * columns.sum())
    return np.asarray((field.values.astype(float) * weights).sum(axis=(-2, -1)))


@pytest.mark.parametrize("new", GRIDS)
@pytest.mark.parametrize("old", GRIDS)
def test_area_means_are_conserved_on_the_sphere(make_analysis: MakeAnalysis, old: str, new: str) -> None:
    analysis = make_analysis(times=3, latitude=GRIDS[old][0], longitude=GRIDS[old][1])
    found = regrid(analysis, *GRIDS[new])
    for name in analysis:
        assert found[name].dims == analysis[name].dims
        assert found[name].attrs == analysis[name].attrs
        np.testing.assert_allclose(_area_mean(found[name]), _area_mean(analysis[name]), rtol=2e-7)
        assert float(found[name].max()) <= float(analysis[name].max())
        assert float(found[name].min()) >= float(analysis[name].min())


def test_the_same_grid_changes_nothing(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(latitude=GRIDS["pole points"][0], longitude=GRIDS["pole points"][1], times=2)
    xr.testing.assert_equal(regrid(analysis, *GRIDS["pole points"]), analysis)


def test_chunked_equals_whole_and_stays_lazy(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(times=10, latitude=GAUSSIAN_48, longitude=GRIDS["gaussian"][1])
    lazy = regrid(analysis.chunk({"time": 3}), *GRIDS["equiangular"])
    assert lazy["msl"].chunks is not None
    xr.testing.assert_equal(lazy.compute(), regrid(analysis, *GRIDS["equiangular"]))


def test_four_cells_make_one() -> None:
    fine = xr.Dataset(
        {"x": (("latitude", "longitude"), np.arange(16, dtype=np.float32).reshape(4, 4))},
        {"latitude": [10.0, 11.0, 12.0, 13.0], "longitude": [0.0, 1.0, 2.0, 3.0]},
    )
    found = regrid(fine, [10.5, 12.5], [0.5, 2.5])["x"]
    np.testing.assert_allclose(found, [[2.5, 4.5], [10.5, 12.5]], atol=0.01)


def test_a_missing_value_stays_where_it_is() -> None:
    latitude, longitude = GRIDS["equiangular"]
    field = np.ones((32, 64), np.float32)
    field[10, 20] = np.nan
    ds = xr.Dataset({"x": (("latitude", "longitude"), field)}, {"latitude": latitude, "longitude": longitude})
    found = regrid(ds, np.linspace(-84.375, 84.375, 16), np.arange(2.8125, 360.0, 11.25))["x"]
    assert int(np.isnan(found).sum()) == 1
    assert np.isnan(found[5, 10])


@given(
    rows=st.integers(2, 12),
    columns=st.integers(3, 12),
    shift=st.floats(-400.0, 400.0),
    value=st.floats(-1e5, 1e5, width=32),
)
def test_a_constant_is_kept(rows: int, columns: int, shift: float, value: float) -> None:
    latitude, longitude = GRIDS["gaussian"]
    field = np.full((48, 96), value, np.float32)
    ds = xr.Dataset({"x": (("latitude", "longitude"), field)}, {"latitude": latitude, "longitude": longitude})
    new_latitude = (np.arange(rows) + 0.5) * 180.0 / rows - 90.0
    found = regrid(ds, new_latitude, shift + np.arange(columns) * 360.0 / columns)
    np.testing.assert_allclose(found["x"], value, rtol=1e-6)


def test_shares_sum_to_one_on_a_region_in_another_turn() -> None:
    old, new = np.arange(-70.0, 10.1, 2.5), np.arange(295.0, 360.0, 5.0)
    np.testing.assert_allclose(longitude_weights(old, new).sum(axis=1), 1.0)
    np.testing.assert_allclose(
        latitude_weights(np.arange(30.0, 71.0, 2.5), np.arange(32.0, 69.0, 4.0)).sum(axis=1), 1.0
    )


def test_new_cells_must_lie_inside_the_old_grid() -> None:
    with pytest.raises(ValueError, match="longitude: expected new cells inside the old grid, found 30 outside"):
        longitude_weights(np.arange(-70.0, 10.1, 2.5), np.array([-10.0, 0.0, 10.0, 20.0, 30.0])[[0, 1, 4]])
    with pytest.raises(ValueError, match="latitude: expected new cells inside"):
        latitude_weights(np.arange(30.0, 71.0, 2.5), np.arange(10.0, 60.0, 5.0))
    with pytest.raises(ValueError, match="at least two ascending"):
        latitude_weights(np.array([1.0, 0.0]), np.array([0.0, 1.0]))


def test_edges_reach_the_poles_but_are_not_forced_there() -> None:
    assert latitude_edges(GAUSSIAN_48)[[0, -1]].tolist() == [-90.0, 90.0]
    assert latitude_edges(np.linspace(-90, 90, 37))[[0, 1, -1]].tolist() == [-90.0, -87.5, 90.0]
    assert latitude_edges(np.arange(30.0, 71.0, 2.5))[[0, -1]].tolist() == [28.75, 71.25]
