"""Neighbourhoods on the sphere against distances of every pair of points."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.ensemble.neighbourhoods import event_in_neighbourhood

RNG = np.random.default_rng(0)
GLOBAL = {"latitude": np.arange(90, -91, -7.5), "longitude": np.arange(0, 360, 10.0)}
REGION = {"latitude": np.arange(40, 61, 2.0), "longitude": np.arange(-20, 21, 2.5)}


def planted(coords: dict[str, np.ndarray]) -> xr.DataArray:
    shape = (2, *(axis.size for axis in coords.values()))
    return xr.DataArray((RNG.random(shape) < 0.02).astype(np.float32), dims=("member", *coords), coords=coords)


def by_distance(happens: xr.DataArray, radius_km: float) -> np.ndarray:
    phi, lam = (np.deg2rad(happens[name].values) for name in ("latitude", "longitude"))
    phi, lam = np.meshgrid(phi, lam, indexing="ij")
    place = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], -1).reshape(-1, 3)
    chord = np.linalg.norm(place[:, None] - place, axis=-1)
    near = 2 * np.arcsin(np.clip(chord / 2, 0, 1)) <= radius_km / 6371.229
    flat = happens.values.reshape(2, -1)
    return np.stack([(near * each).max(1) for each in flat]).reshape(happens.shape)


@pytest.mark.parametrize("coords", [GLOBAL, REGION], ids=["global", "region"])
@pytest.mark.parametrize("radius_km", [50.0, 401.0, 1203.0, 5005.0, 25000.0])
def test_a_neighbourhood_is_all_points_within_the_radius(coords: dict[str, np.ndarray], radius_km: float) -> None:
    happens = planted(coords)
    assert 0 < float(happens.sum()) < happens.size
    np.testing.assert_array_equal(event_in_neighbourhood(happens, radius_km), by_distance(happens, radius_km))


def test_it_crosses_the_date_line_and_the_pole() -> None:
    happens = (0 * planted(GLOBAL)).copy()
    happens.loc[{"latitude": 82.5, "longitude": 0.0}] = 1
    found = event_in_neighbourhood(happens, 1700.0)[0]
    assert found.sel(latitude=82.5, longitude=180.0) == 1
    assert found.sel(latitude=75.0, longitude=350.0) == 1
    assert found.sel(latitude=60.0, longitude=0.0) == 0


def test_what_is_unknown_nearby_makes_it_unknown() -> None:
    happens = (0 * planted(REGION)).copy()
    happens[0, 5, 8] = np.nan
    found = np.isnan(event_in_neighbourhood(happens, 230.0))
    expected = by_distance(happens.fillna(1), 230.0) == 1
    np.testing.assert_array_equal(found, expected)
    assert found[1].sum() == 0 < found[0].sum()


def test_spellings_order_and_chunks_do_not_matter() -> None:
    happens = planted(GLOBAL)
    expected = event_in_neighbourhood(happens, 1203.0)
    lazy = event_in_neighbourhood(happens.chunk(latitude=5, member=1), 1203.0)
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy, expected)
    other = happens.rename(latitude="lat", longitude="lon").transpose("lon", "member", "lat").sortby("lat")
    found = event_in_neighbourhood(other, 1203.0)
    assert found.dims == other.dims
    np.testing.assert_array_equal(found.sortby("lat", ascending=False).transpose("member", "lat", "lon"), expected)


def test_bad_input_is_one_line() -> None:
    happens = planted(REGION)
    with pytest.raises(ConfigurationError, match="radius_km: expected a positive number, found 0"):
        event_in_neighbourhood(happens, 0)
    with pytest.raises(InvalidDataError, match=r"evenly spaced degrees along 'longitude', found steps from 2\.5 to 5"):
        event_in_neighbourhood(happens.isel(longitude=[0, 1, 3]), 100)
    with pytest.raises(InvalidDataError, match="degrees along 'latitude', found no coordinate"):
        event_in_neighbourhood(happens.drop_vars("latitude"), 100)
    with pytest.raises(InvalidDataError, match="one dimension 'longitude'"):
        event_in_neighbourhood(happens.isel(longitude=0), 100)
    with pytest.raises(InvalidDataError, match="happens: expected events, which are 0 or 1, found 281"):
        event_in_neighbourhood(happens + 281, 100)
