"""Every layout that the known sources use, rebuilt in miniature."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.canonical import canonicalise, present_channels
from data_catalog.layout.variables import channel

LATITUDE, LONGITUDE = np.array([-45.0, 0.0, 45.0]), np.array([0.0, 90.0, 180.0, 270.0])
HOURS = np.array([0, 6])
TIMES = np.array(["2020-07-01T00", "2020-07-01T06"], "datetime64[ns]")


def _values(mean: float, *lead: int) -> np.ndarray:
    """Values that differ at each place: (..., latitude, longitude)."""
    shape = (*lead, 3, 4)
    return (mean + np.arange(np.prod(shape)).reshape(shape) / 16).astype(np.float32)


def test_new_cds_netcdf() -> None:
    """valid_time, descending pressure_level and latitude, scalar number, a string expver per time."""
    dims = ("valid_time", "pressure_level", "latitude", "longitude")
    t = _values(270.0, 2, 2)
    dataset = xr.Dataset(
        {"t": (dims, t, {"units": "K", "coordinates": "isobaricInhPa"})},
        {
            "valid_time": TIMES,
            "pressure_level": ("pressure_level", [850.0, 500.0], {"units": "hPa"}),
            "latitude": LATITUDE[::-1],
            "longitude": LONGITUDE,
            "number": 0,
            "expver": ("valid_time", ["0001", "0005"]),
        },
    )
    found = canonicalise(dataset, ["t500", "t850"])
    assert found["t500"].dims == ("time", "latitude", "longitude")
    assert set(found.coords) == {"time", "latitude", "longitude"}
    np.testing.assert_array_equal(found["t500"], t[:, 1, ::-1])
    np.testing.assert_array_equal(found["t850"], t[:, 0, ::-1])
    np.testing.assert_array_equal(found["time"], TIMES)
    assert found["t500"].attrs == channel("t500").attributes


def _old_cds(second: np.ndarray) -> xr.Dataset:
    first = np.array([_values(280.0), np.full((3, 4), np.nan)])
    both = np.stack([first, second], axis=1)
    packed = np.where(np.isnan(both), -32767, np.round((both - 280.0) / 0.01)).astype(np.int16)
    attributes = {"scale_factor": 0.01, "add_offset": 280.0, "_FillValue": np.int16(-32767), "units": "K"}
    return xr.Dataset(
        {"t2m": (("time", "expver", "latitude", "longitude"), packed, attributes)},
        {
            "time": ("time", HOURS, {"units": "hours since 2020-07-01 00:00:00.0", "calendar": "gregorian"}),
            "expver": [1, 5],
            "latitude": LATITUDE[::-1],
            "longitude": LONGITUDE,
        },
    )


@pytest.mark.parametrize("chunked", [False, True])
def test_old_cds_netcdf_merges_complementary_releases(chunked: bool) -> None:
    """expver as a dimension, half of it missing, packed as int16."""
    dataset = _old_cds(np.array([np.full((3, 4), np.nan), _values(290.0)]))
    found = canonicalise(dataset.chunk({"time": 1}) if chunked else dataset, ["t2m"])
    np.testing.assert_allclose(found["t2m"], np.array([_values(280.0), _values(290.0)])[:, ::-1], atol=0.006)
    assert found["t2m"].dtype == np.float32


def test_two_releases_of_one_value_are_refused() -> None:
    dataset = _old_cds(np.array([_values(281.0), _values(290.0)]))
    with pytest.raises(InvalidDataError, match=r"old\.nc: t2m at 2020-07-01T00:00Z: expected one release"):
        canonicalise(dataset, ["t2m"], where="old.nc")


def test_arco_and_weatherbench2_names() -> None:
    """Long names, (level, longitude, latitude), GRIB-style units, a scalar time, orography as geopotential."""
    z, tp = _values(54e3, 1), _values(0.001)
    dataset = xr.Dataset(
        {
            "geopotential": (("level", "longitude", "latitude"), z.transpose(0, 2, 1), {"units": "m**2 s**-2"}),
            "total_precipitation_24hr": (("longitude", "latitude"), tp.T, {"units": "m"}),
            "2m_temperature": (("longitude", "latitude"), _values(280.0).T, {"units": "K"}),
            "geopotential_at_surface": (("longitude", "latitude"), _values(980.665).T, {"units": "m**2 s**-2"}),
            "land_sea_mask": (("longitude", "latitude"), _values(0.0).T / 100, {"units": "(0 - 1)"}),
        },
        {"level": [500], "latitude": LATITUDE, "longitude": LONGITUDE, "time": TIMES[0]},
    )
    found = canonicalise(dataset)
    assert set(found) == {"z500", "tp24", "t2m", "orography", "lsm"}
    np.testing.assert_array_equal(found["z500"][0], z[0])
    np.testing.assert_allclose(found["tp24"][0], tp * 1000, rtol=1e-6)
    np.testing.assert_allclose(found["orography"], _values(980.665) / 9.80665, rtol=1e-6)
    assert found["orography"].dims == ("latitude", "longitude")
    assert found.sizes["time"] == 1


DYNAMICAL_ORG = {
    "temperature_2m": ("t2m", 7.0, "degree_Celsius", 280.15),
    "dew_point_temperature_2m": ("d2m", 5.0, "degree_Celsius", 278.15),
    "wind_u_10m": ("u10", 3.0, "m s-1", 3.0),
    "wind_v_10m": ("v10", -3.0, "m s-1", -3.0),
    "wind_u_100m": ("u100", 6.0, "m s-1", 6.0),
    "wind_v_100m": ("v100", -6.0, "m s-1", -6.0),
    "wind_gust_surface": ("i10fg", 9.0, "m s-1", 9.0),
    "pressure_surface": ("sp", 99e3, "Pa", 99e3),
    "pressure_reduced_to_mean_sea_level": ("msl", 101e3, "Pa", 101e3),
    "precipitable_water_atmosphere": ("tcwv", 20.0, "kg m-2", 20.0),
    "geopotential_height_500hpa": ("z500", 5600.0, "m", 5600 * 9.80665),
    "geopotential_250hpa": ("z250", 1e5, "m2 s-2", 1e5),
    "temperature_850hpa": ("t850", 7.0, "degree_Celsius", 280.15),
}
"""Fields of dynamical.org: channel, a value, its unit there, and the value in ours."""
OTHER_FIELDS = {
    "maximum_temperature_2m": ("degree_Celsius", 9.0),
    "temperature_80m": ("degree_Celsius", 6.0),
    "relative_humidity_2m": ("percent", 60.0),
    "geopotential_height_cloud_ceiling": ("m", 2e4),
    "total_cloud_cover_atmosphere": ("percent", 50.0),
    "precipitation_surface": ("kg m-2 s-1", 1e-4),
}
"""Extremes, means and rates over the hours before, and heights that are no channel's."""


def test_names_and_units_of_dynamical_org() -> None:
    """Latitude from the north, longitude from -180, Celsius, heights, levels in lower case."""
    dims, shape = ("time", "latitude", "longitude"), (2, 3, 4)
    known = {name: (value, units) for name, (_, value, units, _) in DYNAMICAL_ORG.items()}
    others = {name: (value, units) for name, (units, value) in OTHER_FIELDS.items()}
    fields = {
        name: (dims, np.full(shape, value, np.float32), {"units": units})
        for name, (value, units) in {**known, **others}.items()
    }
    places = {"latitude": [50.0, 49.75, 49.5], "longitude": [-180.0, -179.75, -179.5, -179.25]}
    found = canonicalise(xr.Dataset(fields, {"time": TIMES[:2], **places, "spatial_ref": 0}))
    assert set(found) == {one for one, _, _, _ in DYNAMICAL_ORG.values()}
    for one, _, _, expected in DYNAMICAL_ORG.values():
        np.testing.assert_allclose(found[one], expected, rtol=1e-6)
    assert found["latitude"].values.tolist() == [49.5, 49.75, 50.0]


def test_ncep_reanalysis() -> None:
    """hgt in metres, lat and lon, descending levels and latitudes, hours since 1800, daily means."""
    hgt = _values(5500.0, 2, 2)
    dataset = xr.Dataset(
        {
            "hgt": (("time", "level", "lat", "lon"), hgt, {"units": "m", "cell_methods": "time: mean"}),
            "time_bnds": (("time", "x"), np.zeros((2, 2))),
        },
        {
            "time": ("time", 1932960.0 + HOURS, {"units": "hours since 1800-01-01 00:00:0.0", "calendar": "standard"}),
            "level": ("level", np.array([850.0, 500.0], np.float32), {"units": "millibar"}),
            "lat": LATITUDE[::-1].astype(np.float32),
            "lon": LONGITUDE.astype(np.float32),
        },
    )
    found = canonicalise(dataset, ["z500"])
    np.testing.assert_allclose(found["z500"], hgt[:, 1, ::-1] * 9.80665, rtol=1e-6)
    assert found["z500"].attrs["cell_methods"] == "time: mean"
    assert found["z500"].attrs["units"] == "m2 s-2"
    assert found["time"].values[0] == np.datetime64("2020-07-06T00")


def test_hour_counts_with_units_on_the_group() -> None:
    """time_index of bare integers, uneven steps."""
    dims = ("time_index", "latitude", "longitude")
    dataset = xr.Dataset(
        {"msl": (dims, _values(101e3, 3), {"units": "Pa"})},
        {"time_index": [755880, 755887, 755890], "latitude": LATITUDE[::-1], "longitude": LONGITUDE},
        {"time_units": "hours since 1940-01-01 00:00 (proleptic_gregorian)"},
    )
    found = canonicalise(dataset, ["msl"])
    hours = (found["time"].values - np.datetime64("2026-03-25T00")) / np.timedelta64(1, "h")
    assert hours.tolist() == [0.0, 7.0, 10.0]


def test_packed_netcdf3_with_levels_in_millibars() -> None:
    packed = np.arange(24, dtype=np.int16).reshape(1, 2, 3, 4)
    attributes = {"scale_factor": 0.5, "add_offset": 54e3, "units": "m**2 s**-2"}
    places = {"time": TIMES[:1], "latitude": LATITUDE[::-1], "longitude": LONGITUDE}
    dataset = xr.Dataset(
        {"z": (("time", "level", "latitude", "longitude"), packed, attributes)},
        {**places, "level": ("level", [500, 850], {"units": "millibars"})},
    )
    np.testing.assert_allclose(canonicalise(dataset, ["z500"])["z500"][0], 54e3 + 0.5 * packed[0, 0, ::-1])


def test_levels_in_pascals_and_flat_names() -> None:
    places = {"time": TIMES, "latitude": LATITUDE, "longitude": LONGITUDE}
    dims = ("time", "plev", "latitude", "longitude")
    on_levels = xr.Dataset({"ta": (dims, _values(270.0, 2, 1), {"units": "K"})}, {**places, "plev": [85000.0]})
    flat = xr.Dataset(
        {"temperature_850": (("time", "latitude", "longitude"), _values(270.0, 2), {"units": "K"})}, places
    )
    xr.testing.assert_identical(canonicalise(on_levels, ["t850"]), canonicalise(flat, ["t850"]))


def test_wind_at_10_hpa_is_not_the_wind_at_10_m() -> None:
    dims = ("time", "level", "latitude", "longitude")
    dataset = xr.Dataset(
        {"u": (dims, _values(5.0, 2, 2), {"units": "m s-1"})},
        {"time": TIMES, "level": [10, 20], "latitude": LATITUDE, "longitude": LONGITUDE},
    )
    assert set(canonicalise(dataset)) == {"u10hPa", "u20"}
    assert present_channels(dataset, ["u10", "u10hPa", "u20"]) == ("u10hPa", "u20")


@pytest.fixture
def surface() -> xr.Dataset:
    dims = ("time", "latitude", "longitude")
    places = {"time": TIMES, "latitude": LATITUDE, "longitude": LONGITUDE}
    return xr.Dataset({"msl": (dims, _values(101e3, 2), {"units": "Pa"})}, places)


def test_unknown_unit_names_file_and_variable(surface: xr.Dataset) -> None:
    surface["msl"].attrs["units"] = "furlong"
    with pytest.raises(InvalidDataError, match=r"here\.nc: msl: expected units .*found 'furlong'"):
        canonicalise(surface, ["msl"], where="here.nc")
    del surface["msl"].attrs["units"]
    with pytest.raises(InvalidDataError, match="found 'none'"):
        canonicalise(surface, ["msl"])


def test_absent_channel_says_what_is_there(surface: xr.Dataset) -> None:
    with pytest.raises(InvalidDataError, match=r"here\.nc.*expected channel z500, found"):
        canonicalise(surface, ["msl", "z500"], where="here.nc")
    with pytest.raises(ConfigurationError, match="nonsense"):
        canonicalise(surface, ["nonsense"])
    with pytest.raises(InvalidDataError, match="expected a known channel"):
        canonicalise(surface.rename(msl="odd"))


def test_an_ensemble_is_not_an_analysis(surface: xr.Dataset) -> None:
    with pytest.raises(InvalidDataError, match="expected one analysis, found 3 members"):
        canonicalise(surface.expand_dims(number=3), ["msl"])


def test_bare_tp_is_not_taken_for_24_hours(surface: xr.Dataset) -> None:
    bare = surface.rename(msl="tp").assign(tp=lambda ds: (ds["tp"] * 0).assign_attrs(units="m"))
    with pytest.raises(InvalidDataError, match="expected channel tp24"):
        canonicalise(bare, ["tp24"])


@given(st.booleans(), st.integers(0, 3), st.permutations(["time", "latitude", "longitude"]))
def test_order_of_the_source_never_shows(flipped: bool, shift: int, dims: list[str]) -> None:
    places = {"time": TIMES, "latitude": LATITUDE, "longitude": LONGITUDE}
    field = xr.DataArray(_values(101e3, 2), places, ("time", "latitude", "longitude"), attrs={"units": "Pa"})
    plain = field.to_dataset(name="msl")
    other = plain.isel(latitude=slice(None, None, -1)) if flipped else plain
    other = other.roll(longitude=shift, roll_coords=True).transpose(*dims)
    xr.testing.assert_identical(canonicalise(other, ["msl"]), canonicalise(plain, ["msl"]))


def test_canonical_data_comes_through_unchanged(surface: xr.Dataset) -> None:
    once = canonicalise(surface, ["msl"])
    xr.testing.assert_identical(canonicalise(once, ["msl"]), once)
    assert once["msl"].values.tobytes() == surface["msl"].values.tobytes()


@pytest.mark.parametrize("other", ["z500", "geopotential_500", "zg"])
def test_two_fields_of_one_channel_are_refused(other: str) -> None:
    on_levels = (("time", "level", "latitude", "longitude"), _values(54e3, 1, 1), {"units": "m2 s-2"})
    flat = (("time", "latitude", "longitude"), _values(55e3, 1), {"units": "m2 s-2"})
    axes = {"time": TIMES[:1], "level": [500], "latitude": LATITUDE, "longitude": LONGITUDE}
    dataset = xr.Dataset({"z": on_levels, other: on_levels if other == "zg" else flat}, axes)
    with pytest.raises(InvalidDataError, match=f"expected one field of z500, found .*{other}.*; drop one"):
        canonicalise(dataset)
    canonicalise(dataset.drop_vars(other))


@pytest.mark.parametrize("dtype", ["U9", "c8"])
def test_values_that_are_no_real_numbers_are_refused(dtype: str) -> None:
    field = (("time", "latitude", "longitude"), _values(280.0, 1).astype(dtype), {"units": "K"})
    axes = {"time": TIMES[:1], "latitude": LATITUDE, "longitude": LONGITUDE}
    with pytest.raises(InvalidDataError, match="t2m: expected real numbers, found values of type"):
        canonicalise(xr.Dataset({"t2m": field}, axes))
