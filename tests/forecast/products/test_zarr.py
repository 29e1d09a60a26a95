import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.products import zarr
from forecast.products.netcdf import open_forecast
from forecast.products.zarr import write_zarr

CHANNELS = ("z500", "u250", "u850", "t2m", "tp24")


@pytest.fixture
def forecast(tmp_path, synthetic):
    return synthetic.write_forecast(tmp_path / "f.nc", channels=CHANNELS, members=3, leads=2)


def test_layout_and_values_are_those_of_weatherbench2(tmp_path, forecast):
    store = write_zarr(forecast, tmp_path / "f.zarr")
    with xr.open_dataset(store, engine="zarr", consolidated=False, decode_timedelta=True) as wb2:
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


def test_a_store_of_theirs_opens_in_our_words(tmp_path, forecast):
    store = write_zarr(forecast, tmp_path / "f.zarr")
    with open_forecast(store) as read, open_forecast(forecast) as given:
        assert set(read.data_vars) == set(CHANNELS)
        for name in CHANNELS:
            assert read[name].dims == ("member", "lead_time", "latitude", "longitude")
            assert np.array_equal(read[name].values, given[name].values)
        assert read["init_time"].values == given["init_time"].values
        assert np.array_equal(read["lead_time"].values, given["lead_time"].values)


def test_other_peoples_netcdf_opens_in_our_words(tmp_path, forecast):
    given = open_forecast(forecast).load()
    theirs = (
        given[["t2m", "z500"]]
        .rename(t2m="2t", z500="z", member="number", lead_time="step", init_time="time")
        .isel(latitude=slice(None, None, -1))
        .assign_coords(isobaricInhPa=500.0)
    )
    theirs["z"] = theirs["z"].expand_dims(level=[500.0])
    theirs["2t"].attrs["units"] = "K"
    path = tmp_path / "theirs.nc"
    theirs.drop_vars("isobaricInhPa").to_netcdf(path, engine="netcdf4")
    with open_forecast(path) as read:
        assert np.array_equal(read["t2m"].values, given["t2m"].values)
        assert np.array_equal(read["z500"].values, given["z500"].values)
        assert np.array_equal(read["lead_time"].values, given["lead_time"].values)


def test_what_is_no_ensemble_is_refused(tmp_path, forecast):
    plain = open_forecast(forecast).isel(member=0, drop=True).load()
    plain.to_netcdf(tmp_path / "plain.nc", engine="netcdf4")
    with pytest.raises(InvalidDataError, match="coordinate for member"):
        open_forecast(tmp_path / "plain.nc")


def test_a_lost_chunk_is_noticed(tmp_path, forecast, monkeypatch):
    check = zarr._check

    def lose_and_check(store, layout):
        next(path for path in (store / "2m_temperature" / "c").rglob("*") if path.is_file()).unlink()
        check(store, layout)

    monkeypatch.setattr(zarr, "_check", lose_and_check)
    with pytest.raises(InvalidDataError, match="2m_temperature: expected 3072 values"):
        write_zarr(forecast, tmp_path / "f.zarr")
    assert list(tmp_path.iterdir()) == [forecast]


def test_an_existing_store_is_left_alone(tmp_path, forecast):
    (tmp_path / "f.zarr").mkdir()
    with pytest.raises(InvalidDataError, match="found one"):
        write_zarr(forecast, tmp_path / "f.zarr")
