"""Analyses on another grid: values, laziness, missing points, and what is told of it."""

from collections.abc import Callable

import dask
import numpy as np
import pytest
import xarray as xr
import xarray_regrid  # noqa: F401  # a peer; registers its accessor

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.canonical import canonicalise
from data_catalog.statistics.axis_weights import Method
from data_catalog.statistics.regridding import regrid

MakeAnalysis = Callable[..., xr.Dataset]
METHODS: tuple[Method, ...] = ("conservative", "bilinear", "nearest")
ROWS, COLUMNS = np.linspace(-75, 75, 6), np.arange(0.0, 360.0, 60.0)


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> xr.Dataset:
    return make_analysis(("msl", "u850"), latitude=np.linspace(-85, 85, 18), longitude=np.arange(0, 360, 10.0))


@pytest.mark.parametrize("method", METHODS)
def test_chunked_equals_whole_to_the_bit(analysis: xr.Dataset, method: Method) -> None:
    whole = regrid(analysis, ROWS, COLUMNS, method)
    for chunks in ({"time": 1}, {"time": 7, "latitude": 5, "longitude": 11}):
        lazy = regrid(analysis.chunk(chunks), ROWS, COLUMNS, method)
        assert lazy["msl"].chunks is not None
        assert lazy["msl"].chunks[0] == analysis.chunk(chunks)["msl"].chunks[0]
        for scheduler in ("synchronous", "threads"):
            with dask.config.set(scheduler=scheduler):
                xr.testing.assert_identical(lazy.compute(), whole)
    assert whole["msl"].dtype == np.float32
    assert whole["lsm"].dims == ("latitude", "longitude")
    assert whole["msl"].attrs == analysis["msl"].attrs


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_is_the_same_number_everywhere(analysis: xr.Dataset, method: Method) -> None:
    constant = analysis[["msl"]].assign(msl=xr.full_like(analysis["msl"], 101325.3))
    found = regrid(constant, ROWS, COLUMNS, method)["msl"].values
    assert (found == np.float32(101325.3)).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_the_source_does_not_matter(analysis: xr.Dataset, method: Method) -> None:
    turned = analysis.isel(latitude=slice(None, None, -1)).roll(longitude=18, roll_coords=True)
    turned = turned.assign_coords(longitude=(turned["longitude"] + 180) % 360 - 180)
    assert turned["longitude"].values[0] == -180
    again = canonicalise(turned)
    xr.testing.assert_identical(
        regrid(again, ROWS, COLUMNS, method)["msl"].variable, regrid(analysis, ROWS, COLUMNS, method)["msl"].variable
    )


def test_it_agrees_with_xarray_regrid(analysis: xr.Dataset) -> None:
    field = analysis[["msl"]].astype("f8")
    target = xr.Dataset(coords={"latitude": ROWS, "longitude": COLUMNS})
    peer = field.regrid.conservative(target, latitude_coord="latitude")["msl"].transpose("time", ...)
    ours = regrid(analysis[["msl"]], ROWS, COLUMNS, "conservative")["msl"]
    within = slice(1, -1)  # the peer adds rows at the poles, so that its outermost cells are others
    np.testing.assert_allclose(ours[:, within], peer[:, within], rtol=2e-7)


def test_missing_points_count_with_their_weight(make_analysis: MakeAnalysis) -> None:
    source = make_analysis(("t2m",), (), times=2, latitude=np.linspace(-85, 85, 18), longitude=np.arange(0, 360, 10.0))
    source["t2m"].values[:] = 280.0
    source["t2m"].values[0, :3, :3] = np.nan  # half of a cell of 3 x 6 points
    source["t2m"].values[1, :3, :4] = np.nan  # more than half
    found = regrid(source, ROWS, COLUMNS + 25.0, "conservative")["t2m"]
    assert found.values[0, 0, 0] == 280.0
    assert np.isnan(found.values[1, 0, 0])
    assert int(found.isnull().sum()) == 1


def test_the_analysis_says_where_it_comes_from(analysis: xr.Dataset) -> None:
    found = regrid(analysis, ROWS, COLUMNS, "bilinear").attrs
    assert found["regrid_method"] == "bilinear"
    assert found["source_grid"] == "regular, 18 x 36 points, latitude -85 to 85, longitude 0 to 350"


def test_an_analysis_that_lies_on_the_grid_stays_as_it_is(analysis: xr.Dataset) -> None:
    assert regrid(analysis, analysis["latitude"].values + 1e-5, analysis["longitude"].values, "nearest") is analysis


def test_conservative_needs_rows_and_columns(analysis: xr.Dataset) -> None:
    rows, columns = np.meshgrid(analysis["latitude"], analysis["longitude"], indexing="ij")
    renamed = analysis.drop_vars(["latitude", "longitude"]).rename_dims(latitude="row", longitude="column")
    curvilinear = renamed.assign_coords(latitude=(("row", "column"), rows), longitude=(("row", "column"), columns))
    with pytest.raises(ConfigurationError, match="expected method bilinear or nearest for a curvilinear grid"):
        regrid(curvilinear, ROWS, COLUMNS, "conservative", where="mine")
    found = regrid(curvilinear.chunk(), ROWS, COLUMNS, "bilinear")
    assert found.attrs["source_grid"].startswith("curvilinear, 18 x 36 points, latitude -85 to 85")
    plain = regrid(analysis, ROWS, COLUMNS, "bilinear")
    np.testing.assert_allclose(found["msl"], plain["msl"], atol=60.0)  # great circles are not rows


def test_a_region_is_not_extended(make_analysis: MakeAnalysis) -> None:
    region = make_analysis(latitude=np.linspace(30, 60, 7), longitude=np.linspace(0, 40, 9))
    with pytest.raises(InvalidDataError, match="mine: expected a source that covers the grid, found longitude 60"):
        regrid(region, ROWS, COLUMNS, "bilinear", where="mine")
