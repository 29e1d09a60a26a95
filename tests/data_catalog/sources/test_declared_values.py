"""What a file declares to be no value is missing, in packed numbers too: netCDF4-python is the judge."""

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from data_catalog.sources.declared_values import ValidRange, read_dtype, with_declared_values
from data_catalog.sources.reading import netcdf_dataset, open_netcdf
from data_catalog.sources.zarr_stores import open_complete

PACKED = {"scale_factor": 0.5, "add_offset": 280.0}
NUMBERS = np.array([[-120, -100, -1, 0], [1, 99, 100, 101]])


def written(path: Path, values: np.ndarray, attributes: dict[str, Any], fill: Any = False) -> Path:
    """A file with one field, whose last column nobody wrote if the fill value is None."""
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("latitude", values.shape[0]), ("longitude", values.shape[1])):
            file.createDimension(name, size)
            file.createVariable(name, "f8", (name,))[:] = np.arange(size)
        field = file.createVariable("t2m", values.dtype.str[1:], ("latitude", "longitude"), fill_value=fill)
        field.set_auto_maskandscale(False)
        field.setncatts({"units": "K", **attributes})
        width = values.shape[1] - (fill is None)
        field[:, :width] = values[:, :width]
    return path


def missing(path: Path) -> np.ndarray:
    return np.isnan(netcdf_dataset(path, decode_timedelta=False)["t2m"].values)


limits = st.one_of(
    st.fixed_dictionaries({"valid_range": st.tuples(st.integers(-126, 0), st.integers(1, 126)).map(list)}),
    st.fixed_dictionaries({}, optional={"valid_min": st.integers(-126, 0), "valid_max": st.integers(1, 126)}),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["i1", "i2", "i4", "f4", "f8"]),
    limits=limits,
    packed=st.booleans(),
    fill=st.sampled_from([False, None, 77]),
)
def test_missing_is_what_netcdf4_masks(
    tmp_path: Path, kind: str, limits: dict[str, Any], packed: bool, fill: Any
) -> None:
    whole = kind[0] == "i"
    attributes = {name: np.asarray(value, kind) for name, value in limits.items()}
    attributes |= PACKED if packed and whole else {}
    path = written(tmp_path / "a.nc", NUMBERS.astype(kind), attributes, fill)
    with netCDF4.Dataset(path) as file:
        expected = file["t2m"][:]
    found = netcdf_dataset(path, decode_timedelta=False)["t2m"].values
    # Plain integers become no floats here, and the checks of values see the fill; bytes have no usual fill.
    assume(not whole or limits or packed)
    assume(not (kind == "i1" and fill is None) or {"valid_range", "valid_min"} & set(limits))
    masked = np.ma.getmaskarray(expected)
    never_written = np.isclose(found, netCDF4.default_fillvals["f4"]) if not whole else np.zeros(found.shape, bool)
    np.testing.assert_array_equal(np.isnan(found) | never_written, masked)
    np.testing.assert_allclose(found[~masked], np.ma.getdata(expected)[~masked], rtol=1e-6)


def test_limits_in_the_unit_of_the_variable_count_after_unpacking(tmp_path: Path) -> None:
    attributes = {**PACKED, "valid_range": np.array([230.0, 330.0])}
    path = written(tmp_path / "a.nc", NUMBERS.astype("i2"), attributes)
    np.testing.assert_array_equal(missing(path), (NUMBERS < -100) | (NUMBERS > 100))
    turned = {**attributes, "scale_factor": -0.5}
    path = written(tmp_path / "b.nc", NUMBERS.astype("i2"), turned)
    np.testing.assert_array_equal(missing(path), (NUMBERS < -100) | (NUMBERS > 100))


def test_what_was_never_written_is_missing_though_it_is_within_the_limits(tmp_path: Path) -> None:
    attributes = {**PACKED, "valid_max": np.int16(100)}
    path = written(tmp_path / "a.nc", NUMBERS.astype("i2"), attributes, None)
    found = missing(path)
    assert found[:, -1].all()
    np.testing.assert_array_equal(found[:, :-1], (NUMBERS > 100)[:, :-1])


def test_a_limit_that_a_float_is_rounded_to_is_inside(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nc", np.full((2, 2), 0.1, "f4"), {"valid_max": np.float64(0.1)})
    assert not missing(path).any()


def test_unsigned_bytes_are_compared_as_such(tmp_path: Path) -> None:
    stored = np.array([[0, 100], [200, 251]], "u1").view("i1")
    attributes = {"_Unsigned": "true", "valid_range": np.array([0, 250], "u1").view("i1")}
    path = written(tmp_path / "a.nc", stored, attributes)
    np.testing.assert_array_equal(missing(path), [[False, False], [False, True]])


@pytest.mark.parametrize("limits", [{}, {"valid_range": np.array([0, 250], "u1").view("i1")}])
@pytest.mark.parametrize("fills", [{}, {"_FillValue": np.int8(-1)}])
@pytest.mark.parametrize("missing_value", [np.int8(-1), np.uint8(255)])
def test_a_missing_value_among_unsigned_numbers_may_be_signed(
    tmp_path: Path, limits: dict[str, Any], fills: dict[str, Any], missing_value: np.integer
) -> None:
    stored = np.array([[0, 100], [200, 255]], "u1").view("i1")
    attributes = {"_Unsigned": "true", "missing_value": missing_value, **fills, **PACKED, **limits}
    path = written(tmp_path / "a.nc", stored, attributes)
    np.testing.assert_array_equal(missing(path), [[False, False], [False, True]])


@pytest.mark.parametrize("limits", ["0, 100", np.array([1, 2, 3], "i2")])
def test_limits_that_cannot_be_read_are_named(tmp_path: Path, limits: Any) -> None:
    path = written(tmp_path / "a.nc", NUMBERS.astype("i2"), {"valid_range": limits})
    with pytest.raises(InvalidDataError, match=r"a\.nc: t2m: expected 2 numbers as valid_range, found"):
        open_netcdf(path)


@pytest.mark.parametrize("name", ["scale_factor", "add_offset"])
def test_packing_that_is_no_number_is_named(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "a.nc", NUMBERS.astype("i2"), {name: "0.5"})
    with pytest.raises(InvalidDataError, match=rf"a\.nc: t2m: expected 1 number as {name}, found '0.5'"):
        open_netcdf(path)


def test_only_what_is_chosen_is_read_and_checked(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nc", NUMBERS.astype("i2"), {"valid_max": np.int16(100)})
    field = netcdf_dataset(path, decode_timedelta=False)["t2m"]
    np.testing.assert_array_equal(field.isel(latitude=1, longitude=[3, 0]).values, [np.nan, 1.0])


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
def test_zarr_is_read_alike(tmp_path: Path, zarr_format: int) -> None:
    field = xr.DataArray(NUMBERS.astype(">i2" if zarr_format == 2 else "i2"), dims=("latitude", "longitude"))
    field.attrs = {"units": "K", **PACKED, "valid_range": [-100, 100]}
    field.to_dataset(name="t2m").to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format)
    found = open_complete(tmp_path / "a.zarr")["t2m"].values
    np.testing.assert_array_equal(np.isnan(found), (NUMBERS < -100) | (NUMBERS > 100))


def test_times_and_coordinates_are_left_alone() -> None:
    when = xr.Variable(("a", "b"), np.zeros((2, 2), "i4"), {"units": "hours since 2000-01-01", "valid_min": 1})
    row = xr.Variable("a", np.zeros(2, "i2"), {"valid_min": 1})
    assert with_declared_values(when, "") is when
    assert with_declared_values(row, "") is row


def test_a_range_that_holds_all_integers_needs_no_fill_value() -> None:
    assert ValidRange(-128, 127).outside(np.dtype("i1")) is None
    assert ValidRange(0, 100).outside(np.dtype("i2")) == netCDF4.default_fillvals["i2"]
    assert read_dtype(xr.Variable("a", np.zeros(2, ">i2"), {"_Unsigned": "true"})) == np.dtype(">u2")
