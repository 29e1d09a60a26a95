"""Fields at stations and weights of stations: on any turn of the circle, in any order of rows."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, at_height, at_stations, crps, density_weights, mae

LATITUDE, LONGITUDE = np.linspace(80, -80, 17), np.arange(0, 360, 10.0)


def plane() -> xr.DataArray:
    """A field that is linear in latitude and round the circle, and missing nowhere."""
    rows = xr.DataArray(LATITUDE, dims="latitude", coords={"latitude": LATITUDE})
    columns = xr.DataArray(LONGITUDE, dims="longitude", coords={"longitude": LONGITUDE})
    field = rows + abs(columns - 180) + xr.DataArray([0.0, 100.0], dims="lead_time")
    return field.rename("t2m").assign_attrs(units="K")


def stations(latitude: list[float], longitude: list[float]) -> tuple[xr.DataArray, xr.DataArray]:
    names = {"station": ("station", [f"s{n}" for n in range(len(latitude))])}
    return xr.DataArray(latitude, dims="station", coords=names), xr.DataArray(longitude, dims="station", coords=names)


def test_linear_interpolation_is_exact_for_a_plane_and_closes_the_circle() -> None:
    places = stations([12.3, -80.0, 0.0, 45.0], [33.3, 180.0, 355.0, -2.5])
    found = at_stations(plane(), *places, method="linear")
    circle = abs(places[1] % 360 - 180)
    np.testing.assert_allclose(found.isel(lead_time=1), 100 + places[0] + circle)
    assert found.dims == ("lead_time", "station") or found.dims == ("station", "lead_time")
    assert found["station"].values.tolist() == ["s0", "s1", "s2", "s3"]
    assert found["latitude"].values.tolist() == places[0].values.tolist()
    assert (found.name, found.attrs) == ("t2m", {"units": "K"})


def test_the_nearest_cell_is_that_of_the_edges() -> None:
    places = stations([84.9, 4.9, 5.1, -85.0], [4.9, 354.9, 355.1, 719.0])
    found = at_stations(plane().isel(lead_time=0), *places)
    assert found.values.tolist() == [80 + 180, 0 + 170, 10 + 180, -80 + 180]
    upside_down = plane().isel(lead_time=0, latitude=slice(None, None, -1))
    xr.testing.assert_identical(at_stations(upside_down, *places), found)


def test_spellings_chunks_and_missing_corners() -> None:
    field = plane()
    places = stations([12.3, 33.0], [33.3, 200.0])
    for method in ("nearest", "linear"):
        whole = at_stations(field, *places, method=method)  # type: ignore[arg-type]
        other = at_stations(field.rename(latitude="lat", longitude="lon"), *places, method=method)  # type: ignore[arg-type]
        xr.testing.assert_identical(whole, other)
        lazy = at_stations(field.chunk(latitude=4, lead_time=1), *places, method=method)  # type: ignore[arg-type]
        assert lazy.chunks is not None
        xr.testing.assert_identical(lazy.compute(), whole)
    holed = field.where((field["latitude"] != 20) | (field["longitude"] != 30))
    assert at_stations(holed, *places, method="linear").isel(station=0).isnull().all()
    on_the_row = stations([10.0], [33.0])
    assert at_stations(holed, *on_the_row, method="linear").notnull().all()


def test_stations_outside_a_region_are_refused() -> None:
    region = plane().isel(latitude=slice(2, 6), longitude=slice(3, 9))
    inside = at_stations(region, *stations([64.0, 27.0], [26.0, 446.0 - 0.5 - 1]))
    assert inside.notnull().all()
    with pytest.raises(UnscorableError, match="stations: expected longitude within 25 to 85, found 20 at position 1"):
        at_stations(region, *stations([50.0, 50.0], [40.0, 20.0]))
    with pytest.raises(UnscorableError, match="stations: expected latitude within 30 to 60, found 64 at position 0"):
        at_stations(region, *stations([64.0], [40.0]), method="linear")
    with pytest.raises(UnscorableError, match="stations: expected longitude within"):
        at_stations(region, *stations([50.0], [float("nan")]))
    with pytest.raises(UnscorableError, match="method: expected 'nearest' or 'linear'"):
        at_stations(region, *stations([50.0], [40.0]), method="cubic")  # type: ignore[arg-type]
    with pytest.raises(UnscorableError, match="field: expected the coordinate 'longitude'"):
        at_stations(region.isel(longitude=0), *stations([50.0], [40.0]))


def test_scores_at_stations() -> None:
    rng = np.random.default_rng(0)
    members = plane() + xr.DataArray(rng.normal(size=5), dims="member")
    places = stations([10.0, 20.0], [10.0, 20.0])
    observed = at_stations(plane(), *places)
    weights = density_weights(*places)
    forecast = at_stations(members, *places)
    score = crps(forecast, observed, reduce="station", weights=weights)
    assert score.dims == ("lead_time",)
    np.testing.assert_allclose(mae(observed, observed, reduce="all", weights=weights), 0.0)


def test_density_weights_are_those_of_rodwell() -> None:
    alone, together = (0.0, 0.0), (50.0, 10.0)
    latitude = [alone[0], together[0], together[0], together[0]]
    longitude = [alone[1], together[1], together[1] + 360, together[1]]
    weights = density_weights(*stations(latitude, longitude))
    np.testing.assert_allclose(weights, np.array([1, 1 / 3, 1 / 3, 1 / 3]) / 0.5)
    apart = density_weights(*stations([0.0, 0.75], [0.0, 0.0]), distance_km=np.deg2rad(0.75) * 6371)
    np.testing.assert_allclose(apart, 1.0)
    three = density_weights(*stations([0.0, 0.75, 80.0], [0.0, 0.0, 0.0]), distance_km=np.deg2rad(0.75) * 6371)
    assert float(three[2] / three[0]) == pytest.approx(1 + np.exp(-1))
    with pytest.raises(UnscorableError, match="distance_km: expected a positive number"):
        density_weights(*stations([0.0], [0.0]), distance_km=0)
    with pytest.raises(UnscorableError, match="found missing ones"):
        density_weights(*stations([0.0, np.nan], [0.0, 1.0]))


def test_places_in_lists_arrays_and_numbers() -> None:
    named = stations([12.3, 33.0], [33.3, 200.0])
    expected = at_stations(plane(), *named, method="linear")
    for kind in (list, np.asarray):
        places = [kind(each.values.tolist()) for each in named]
        xr.testing.assert_equal(at_stations(plane(), *places, method="linear"), expected.drop_vars("station"))
        np.testing.assert_array_equal(density_weights(*places), density_weights(*named))
    one = at_stations(plane(), 12.3, 33.3, method="linear")
    xr.testing.assert_equal(one, expected.isel(station=0, drop=True).drop_vars("station", errors="ignore"))
    for wrong in (([1.0, 2.0], [1.0]), (["a"], ["b"]), (1.0, [1.0, 2.0]), ([[1.0]], [[1.0]])):
        with pytest.raises(UnscorableError, match=r"^stations: expected latitude and longitude [^\n]*$"):
            at_stations(plane(), *wrong)


def test_height_of_the_model_is_brought_to_that_of_the_station() -> None:
    places = stations([10.0, 20.0], [30.0, 40.0])
    found = at_stations(plane(), *places)
    model, own = (xr.DataArray(heights, dims="station") for heights in ([100.0, 100.0], [1100.0, np.nan]))
    higher = at_height(found, model, own, lapse=-0.0065)
    np.testing.assert_allclose((higher - found).isel(station=0), -6.5)
    np.testing.assert_allclose((higher - found).isel(station=1), 0)
    with pytest.raises(UnscorableError, match="model_elevation: expected a height of each station"):
        at_height(found, xr.DataArray(3.0), own, lapse=-0.0065)
