"""ARCO-ERA5, as a small replica of its layout: hourly, all levels in a chunk, times that run far past the data."""

import shutil
from datetime import date
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

from data_catalog.catalog import dataset
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.open_source import open_source

LEVELS = [250, 500, 850]
PLACES = {"level": LEVELS, "latitude": np.linspace(90, -90, 7), "longitude": np.arange(12) * 30.0}
ON_LEVELS = {
    "geopotential": (54e3, "m**2 s**-2"),
    "temperature": (270.0, "K"),
    "u_component_of_wind": (5.0, "m s**-1"),
    "v_component_of_wind": (1.0, "m s**-1"),
    "specific_humidity": (0.005, "kg kg**-1"),
}
SURFACE = {
    "mean_sea_level_pressure": (101e3, "Pa"),
    "2m_temperature": (285.0, "K"),
    "10m_u_component_of_wind": (3.0, "m s**-1"),
    "10m_v_component_of_wind": (-3.0, "m s**-1"),
}
ENTRY = dataset("era5-0p25").model_copy(update={"period_start": date(1979, 1, 2)})
FINAL_HOURS = 96
"""1979-01-01 to 1979-01-04; the axis has twice as many."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("arco") / "era5.zarr"
    rng = np.random.default_rng(4)
    time = np.datetime64("1979-01-01", "ns") + np.arange(2 * FINAL_HOURS) * np.timedelta64(1, "h")
    fields = {}
    for name, (mean, units) in {**ON_LEVELS, **SURFACE}.items():
        dims = ("time", *(("level",) if name in ON_LEVELS else ()), "latitude", "longitude")
        shape = [time.size if dim == "time" else len(PLACES[dim]) for dim in dims]
        values = np.full(shape, np.nan, np.float32)
        values[:FINAL_HOURS] = mean * (1 + 0.01 * rng.random((FINAL_HOURS, *shape[1:])))
        if name == "geopotential":
            values *= np.array([1.9, 1.0, 0.27], np.float32)[:, None, None]
        fields[name] = (dims, values, {"units": units})
    for name, units in (("geopotential_at_surface", "m**2 s**-2"), ("land_sea_mask", "(0 - 1)")):
        fields[name] = (("latitude", "longitude"), rng.random((7, 12), np.float32), {"units": units})
    attributes = {
        "valid_time_start": "1979-01-01",
        "valid_time_stop": "1979-01-03",
        "valid_time_stop_era5t": "1979-01-04",
    }
    compressor = numcodecs.Blosc(cname="lz4", clevel=5, shuffle=numcodecs.Blosc.SHUFFLE)
    dataset = xr.Dataset(fields, {"time": time, **PLACES}, attributes)
    encoding = {
        name: {"chunks": tuple(1 if dim == "time" else size for dim, size in field.sizes.items())}
        | {"compressors": (compressor,), "write_empty_chunks": False}
        for name, field in dataset.items()
    }
    dataset.to_zarr(path, zarr_format=2, consolidated=True, encoding=encoding)
    return path


def test_only_final_times_are_read(store: Path) -> None:
    analysis = open_source(ENTRY, str(store))
    assert analysis["time"].values.astype("datetime64[D]").astype(str).tolist() == ["1979-01-02", "1979-01-03"]
    assert set(analysis.data_vars) == {*ENTRY.channels, *ENTRY.static}
    assert analysis["latitude"].values[0] == -90
    with xr.open_zarr(store) as whole:
        at = whole.sel(time="1979-01-03T00", latitude=-60, longitude=90)
        got = analysis.sel(time="1979-01-03", latitude=-60, longitude=90)
        expected = {"u250": at["u_component_of_wind"].sel(level=250), "v10": at["10m_v_component_of_wind"]}
        for name, value in expected.items():
            np.testing.assert_allclose(got[name].values.item(), value.values, rtol=1e-6)


def test_a_hole_among_final_times_is_an_error(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "holed.zarr"
    shutil.copytree(store, copy)
    (copy / "2m_temperature" / "48.0.0").unlink()
    analysis = open_source(ENTRY, str(copy))
    with pytest.raises(InvalidDataError, match=r"2m_temperature at .*1979-01-03T00:00"):
        analysis["t2m"].load()


def test_a_store_without_its_final_date_is_refused(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mute.zarr"
    shutil.copytree(store, copy)
    group = zarr.open_group(copy, mode="r+")
    group.attrs.pop("valid_time_stop")
    zarr.consolidate_metadata(copy, zarr_format=2)
    with pytest.raises(InvalidDataError, match="expected a date in the attribute valid_time_stop, found 'none'"):
        open_source(ENTRY, str(copy))


def test_days_that_are_not_final_yet_are_missing_data(store: Path) -> None:
    with pytest.raises(MissingDataError, match="1979-01-04"):
        open_source(ENTRY, str(store), start=date(1979, 1, 4), end=date(1979, 1, 4))
