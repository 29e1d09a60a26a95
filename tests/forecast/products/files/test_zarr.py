import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr

from data_catalog.errors import InvalidDataError
from forecast.products.files import zarr as stores
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.zarr import weatherbench2_layout, write_zarr

CHANNELS = ("z500", "u250", "u850", "t2m", "tp24")


@pytest.fixture
def forecast(tmp_path, synthetic):
    return synthetic.write_forecast(tmp_path / "f.nc", channels=CHANNELS, members=3, leads=2)


def test_layout_and_values_are_those_of_weatherbench2(tmp_path, forecast):
    store = write_zarr(forecast, tmp_path / "f.zarr")
    with xr.open_zarr(store) as wb2:
        assert wb2["geopotential"].attrs["levels_present"] == [500]
        assert bool(np.isnan(wb2["geopotential"].sel(level=850)).all())
        wind = wb2["u_component_of_wind"]
        assert wind.dims == ("time", "number", "prediction_timedelta", "level", "latitude", "longitude")
        assert wind["level"].values.tolist() == [250, 500, 850]
        assert wb2["2m_temperature"].dims == ("time", "number", "prediction_timedelta", "latitude", "longitude")
        assert set(wb2.data_vars) == {
            "u_component_of_wind", "geopotential", "2m_temperature", "total_precipitation_24hr",
        }  # fmt: skip
        ours = open_forecast(forecast)
        assert np.array_equal(wind.sel(level=850).values[0], ours["u850"].values)
        assert np.array_equal(wb2["geopotential"].sel(level=500).values[0], ours["z500"].values)
        assert wb2["time"].values[0] == ours["init_time"].values
        assert np.array_equal(wb2["prediction_timedelta"].values, ours["lead_time"].values)
        assert "SIMULATED" in wb2.attrs["title"]
        assert "Conventions" not in wb2.attrs


def test_several_starts_stay_along_time(forecast):
    with open_forecast(forecast) as one:
        later = one.assign_coords(init_time=one["init_time"] + np.timedelta64(24, "h"))
        layout = weatherbench2_layout(xr.concat([one, later], dim="init_time"))
    assert layout["2m_temperature"].dims[0] == "time"
    assert layout.sizes["time"] == 2


@pytest.mark.parametrize(("most_bytes", "members"), [(stores.MOST_CHUNK_BYTES, 3), (2 * 16 * 32 * 4, 2), (1, 1)])
def test_a_chunk_holds_the_members_that_fit(tmp_path, forecast, monkeypatch, most_bytes, members):
    monkeypatch.setattr(stores, "MOST_CHUNK_BYTES", most_bytes)
    with open_forecast(write_zarr(forecast, tmp_path / "f.zarr")) as read, open_forecast(forecast) as given:
        stored = zarr.open_group(tmp_path / "f.zarr", mode="r")["u_component_of_wind"]
        assert isinstance(stored, zarr.Array)
        assert dict(zip(stored.metadata.dimension_names, stored.chunks, strict=True))["number"] == members
        assert np.array_equal(read["u850"].values, given["u850"].values)


def test_a_lost_chunk_is_noticed(tmp_path, forecast, monkeypatch):
    opened = zarr.open_group

    def lose_and_open(store, *, mode, **options):
        if mode == "r":
            next(path for path in (store / "2m_temperature" / "c").rglob("*") if path.is_file()).unlink()
        return opened(store, mode=mode, **options)

    monkeypatch.setattr(zarr, "open_group", lose_and_open)
    with pytest.raises(InvalidDataError, match=r"2m_temperature, lead index [01]: expected the values written"):
        write_zarr(forecast, tmp_path / "f.zarr")
    assert list(tmp_path.iterdir()) == [forecast]


def test_an_existing_store_is_left_alone(tmp_path, forecast):
    (tmp_path / "f.zarr").mkdir()
    with pytest.raises(InvalidDataError, match="found one"):
        write_zarr(forecast, tmp_path / "f.zarr")


def test_a_field_of_zeros_is_stored(tmp_path, forecast):
    with netCDF4.Dataset(forecast, "a") as file:
        file["tp24"][:] = 0.0
    with open_forecast(write_zarr(forecast, tmp_path / "f.zarr")) as read:
        assert (read["tp24"].values == 0.0).all()
