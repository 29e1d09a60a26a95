"""Where the regions lie, and which of them a grid holds."""

from typing import get_args

import numpy as np
import pytest
import xarray as xr

from forecast.system.verification import RegionName
from forecast.verification import UnscorableError
from forecast.verification.regions import BUILT_IN, REGIONS, Box, held_regions, region_weights


def grid(latitude: np.ndarray, longitude: np.ndarray) -> tuple[xr.DataArray, xr.DataArray]:
    axes = {"latitude": latitude, "longitude": longitude}
    south_north, west_east = (xr.DataArray(values, dims=name, coords={name: values}) for name, values in axes.items())
    return south_north, west_east


GLOBE = grid(np.arange(-87.5, 90, 5), np.arange(0.0, 360, 5))


def names_of(*axes: xr.DataArray) -> list[str]:
    return region_weights(*axes)["region"].values.tolist()


def test_names_are_those_of_the_system_file() -> None:
    assert get_args(RegionName) == tuple(BUILT_IN)


def test_shares_of_the_globe() -> None:
    weights = region_weights(*GLOBE)
    assert weights["region"].values.tolist() == ["global", *REGIONS]
    shares = weights.sum(["latitude", "longitude"]) / weights.sel(region="global").sum()
    south, north, tropics = (
        float(shares.sel(region=name)) for name in ("southern-extratropics", "northern-extratropics", "tropics")
    )
    assert south == pytest.approx(north) == pytest.approx((1 - np.sin(np.deg2rad(20))) / 2)
    assert south + north + tropics == pytest.approx(1)
    europe = weights.sel(region="europe")
    assert float(europe.sel(longitude=350, latitude=52.5)) > 0
    assert float(europe.sel(longitude=345, latitude=52.5)) == 0


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (np.linspace(-87.159, 87.159, 48), np.arange(96) * 3.75, ["global", *REGIONS]),
        (np.linspace(90, -90, 19), np.arange(-180, 180, 10), ["global", *REGIONS]),
        (np.arange(30, 71, 2.5), np.arange(-70, 11, 2.5), ["domain"]),
        (np.arange(30, 81, 2.5), np.arange(-20, 51, 2.5), ["domain", "europe"]),
        (np.arange(30, 81, 2.5), np.r_[340:360:2.5, 0:51:2.5], ["domain", "europe"]),
        (np.arange(10, 91, 5), np.arange(0, 360, 5), ["domain", "northern-extratropics", "europe", "north-america"]),
        (np.arange(-20, 21, 5), np.arange(0, 360, 5), ["domain", "tropics"]),
    ],
    ids=["gaussian", "poles", "atlantic", "europe", "across the meridian", "hemisphere", "tropics"],
)  # fmt: skip
def test_a_grid_has_the_regions_that_it_holds(latitude: np.ndarray, longitude: np.ndarray, expected: list[str]) -> None:
    assert names_of(*grid(latitude, longitude)) == expected


def test_share_on_the_grid() -> None:
    atlantic = grid(np.arange(31.25, 70, 2.5), np.arange(-68.75, 10, 2.5))
    assert Box(40, 60, -30, 0).covered(*atlantic) == pytest.approx(1)
    assert Box(40, 60, 330, 360).covered(*atlantic) == pytest.approx(1)
    assert Box(40, 60, 0, 20).covered(*atlantic) == pytest.approx(0.5)
    assert Box(0, 90, 0, 10).covered(*atlantic) == pytest.approx(np.sin(np.deg2rad(70)) - 0.5)
    assert Box(40, 60, 100, 120).covered(*atlantic) == 0
    assert Box(-90, 90).covered(*GLOBE) == pytest.approx(1)
    assert list(held_regions(*atlantic)) == []


def test_own_regions() -> None:
    land = xr.DataArray(np.ones((36, 72)), dims=("latitude", "longitude")) * (GLOBE[0] > 0)
    own = region_weights(*GLOBE, {"iceland": Box(60, 70, 335, 350), "land": land, "global": Box(-90, 90)})
    assert own["region"].values.tolist() == ["global", "iceland", "land"]
    assert float((own.sel(region="iceland") > 0).sum()) == 2 * 4
    assert region_weights(*GLOBE, {})["region"].values.tolist() == ["global"]


def test_regions_that_a_grid_does_not_hold_are_refused() -> None:
    atlantic = grid(np.arange(30, 71, 2.5), np.arange(-70, 11, 2.5))
    for region, found in ((REGIONS["europe"], "all of it on the grid, found 41%"), (Box(-20, -10), "found 0%")):
        with pytest.raises(UnscorableError, match=f"region 'own': expected .*{found}"):
            region_weights(*atlantic, {"own": region})
    with pytest.raises(UnscorableError, match="region 'global': expected all of it on the grid, found 5%"):
        region_weights(*atlantic, {"global": Box(-90, 90)})
    with pytest.raises(UnscorableError, match="region 'speck': expected at least one grid point in it, found none"):
        region_weights(*GLOBE, {"speck": Box(53, 54, 1, 2)})
    with pytest.raises(UnscorableError, match="region 'domain': expected another name"):
        region_weights(*GLOBE, {"domain": Box(0, 20)})
    with pytest.raises(UnscorableError, match="region 'mask': expected a weight of 0 or more for each point"):
        region_weights(*GLOBE, {"mask": xr.DataArray(np.full((36, 72), np.nan), dims=("latitude", "longitude"))})
    with pytest.raises(UnscorableError, match="region: expected south < north"):
        Box(50, 40)


def test_weights_have_the_dimensions_of_the_grid_by_any_name() -> None:
    latitude = xr.DataArray(np.linspace(-87.5, 87.5, 36), dims="lat", name="lat")
    latitude = latitude.assign_coords(lat=latitude)
    longitude = xr.DataArray(np.arange(0, 360, 5.0), dims="lon", name="lon")
    longitude = longitude.assign_coords(lon=longitude)
    found = region_weights(latitude, longitude)
    assert found.dims == ("region", "lat", "lon")
    single = found.isel(region=0, drop=True).assign_coords(lat=latitude.values.astype(np.float32) + 3e-6) > 0
    masked = region_weights(latitude, longitude, {"all": single})
    np.testing.assert_array_equal(masked.sel(region="all"), masked.isel(region=0))
    with pytest.raises(UnscorableError, match="region 'half': expected 36 along 'lat', found 18"):
        region_weights(latitude, longitude, {"half": single.isel(lat=slice(18))})
    for grid in ((latitude.values, longitude), (latitude, longitude.values)):
        with pytest.raises(UnscorableError, match=r"(latitude|longitude): expected a DataArray"):
            region_weights(*grid)  # type: ignore[arg-type]
