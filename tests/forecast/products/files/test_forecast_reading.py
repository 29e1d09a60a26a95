import json
import shutil

import netCDF4
import numpy as np
import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.products.files.forecast_reading import open_forecast, open_forecasts
from forecast.products.files.zarr import write_zarr
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, members, message, weather, write

CHANNELS = ("z500", "u250", "u850", "t2m", "tp24")


@pytest.fixture
def forecast(tmp_path, synthetic):
    return synthetic.write_forecast(tmp_path / "f.nc", channels=CHANNELS, members=3, leads=2)


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


def test_any_order_of_dimensions_and_their_spellings(tmp_path, forecast):
    given = open_forecast(forecast).load()
    theirs = (
        given.rename(member="realization", lead_time="step", latitude="lat", longitude="lon")
        .transpose("lat", "step", "lon", "realization")
        .isel(lat=slice(None, None, -1))
        .roll(lon=5, roll_coords=True)
        .expand_dims(forecast_reference_time=[given["init_time"].values])
        .drop_vars("init_time")
    )
    theirs["realization"] = theirs["realization"] + 1
    theirs.to_netcdf(tmp_path / "theirs.nc", engine="netcdf4")
    with open_forecast(tmp_path / "theirs.nc") as read:
        assert read["member"].values.tolist() == [1, 2, 3]
        for name in CHANNELS:
            assert read[name].dims == ("member", "lead_time", "latitude", "longitude")
            assert np.array_equal(read[name].values, given[name].values)


def test_valid_times_of_one_start(tmp_path, forecast):
    given = open_forecast(forecast).load()
    start = given["init_time"].values
    theirs = given[["t2m"]].rename(member="number", lead_time="valid_time", init_time="forecast_reference_time")
    theirs = theirs.assign_coords(valid_time=start + given["lead_time"].values)
    theirs.to_netcdf(tmp_path / "theirs.nc", engine="netcdf4")
    with open_forecast(tmp_path / "theirs.nc") as read:
        assert np.array_equal(read["lead_time"].values, given["lead_time"].values)
        assert np.array_equal(read["t2m"].values, given["t2m"].values)
        assert read["init_time"].values == start


def test_a_forecast_without_members_is_one_member(tmp_path, forecast):
    plain = open_forecast(forecast).isel(member=1, drop=True).load()
    plain.to_netcdf(tmp_path / "plain.nc", engine="netcdf4")
    with open_forecast(tmp_path / "plain.nc") as read:
        assert read["t2m"].sizes["member"] == 1
        assert np.array_equal(read["t2m"].values[0], plain["t2m"].values)


BAD = [
    (lambda f: f.drop_vars("lead_time"), "expected a coordinate lead_time (or forecast_period, prediction_timedelta"),
    (lambda f: f.drop_vars("init_time"), "expected a coordinate init_time (or forecast_reference_time"),
    (
        lambda f: f.assign_coords(lead_time=[1, 2]),
        "lead_time: expected durations with units (such as hours), found int64 without units",
    ),
    (lambda f: f.assign_coords(member=[0, 1, 1]), "expected each member once, found 1 twice"),
    (lambda f: f.isel(lead_time=[0, 0]), "expected each lead_time once, found 24 h twice"),
    (lambda f: f.rename(t2m="temp")[["temp"]], "expected a known channel, found temp"),
    (
        lambda f: f.assign(t2m=f["t2m"].assign_attrs(units="furlong"))[["t2m"]],
        "t2m: expected units that can be converted",
    ),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_what_cannot_be_understood_is_said_in_one_line(tmp_path, forecast, change, words):
    change(open_forecast(forecast).load()).to_netcdf(tmp_path / "bad.nc", engine="netcdf4")
    with pytest.raises(InvalidDataError) as caught:
        open_forecast(tmp_path / "bad.nc")
    assert words in str(caught.value)
    assert str(tmp_path / "bad.nc") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_grib_opens_in_our_words(tmp_path):
    ensemble = [field for step in (24, 48) for field in members("2t", range(3), step=step)]
    path = write(tmp_path / "f.grib", *ensemble)
    forecast = open_forecast(path)
    assert forecast["t2m"].dims == ("member", "lead_time", "latitude", "longitude")
    assert forecast["init_time"] == np.datetime64("2020-01-01")
    wanted = weather("2t", LATITUDE[::-1, None], LONGITUDE, 0.5 * np.arange(3)[:, None, None])
    np.testing.assert_allclose(forecast["t2m"].isel(lead_time=1), wanted, atol=1e-3)
    assert np.array_equal(open_forecast(path, chunked=False)["t2m"], forecast["t2m"])


def test_fields_of_other_lead_times_are_forecasts_of_their_own(tmp_path):
    rain = {"dataType": "pf", "productDefinitionTemplateNumber": 11}
    steps = [field for step in (0, 24) for field in members("2t", range(2), step=step)]
    sums = [message("tp", **rain, number=number, stepRange="0-24") for number in (0, 1)]
    path = write(tmp_path / "f.grib", *steps, *sums, message("lsm", dataType="fc"))
    with pytest.raises(
        InvalidDataError, match=r"same grid, starts, members and lead times .* of t2m and tp24; open each"
    ):
        open_forecast(path)
    warm, wet = open_forecasts(path)
    assert (warm["t2m"].sizes["lead_time"], wet["tp24"].sizes["lead_time"]) == (2, 1)


def test_a_lost_member_of_a_grib_file_is_named(tmp_path):
    path = write(tmp_path / "f.grib", *members("2t", range(3), step=24), *members("2t", range(2), step=48))
    with pytest.raises(InvalidDataError, match=r"2t: expected a field from .* at 48 h of member 2, found none"):
        open_forecast(path)


def test_grib_without_a_known_field_is_refused(tmp_path):
    with pytest.raises(InvalidDataError, match=r"f\.grib: expected a known channel, found 10si_max"):
        open_forecast(write(tmp_path / "f.grib", message("10si", edition=1, dataType="fc", stepType="max")))


def test_absent_and_unfinished_forecasts_are_missing(tmp_path, synthetic):
    with pytest.raises(MissingDataError, match="found nothing"):
        open_forecast(tmp_path / "none.nc")
    run = tmp_path / "system" / "20080115T0000Z"
    synthetic.write_forecast(run / "system_20080115T0000Z.nc")
    with pytest.raises(MissingDataError, match="finish"):
        open_forecast(run)
    (tmp_path / "text.nc").write_text("no")
    with pytest.raises(InvalidDataError, match="expected NetCDF, GRIB or Zarr, found neither"):
        open_forecast(tmp_path / "text.nc")


def test_only_a_run_may_hold_impossible_values(tmp_path, forecast):
    with netCDF4.Dataset(forecast, "a") as stored:
        stored["t2m"][0, 0, 0, 0] = 1000.0
    run = tmp_path / "tiny" / "20080110T0000Z"
    run.mkdir(parents=True)
    own, theirs = run / "tiny_20080110T0000Z.nc", run / "theirs.nc"
    for path in (own, theirs):
        shutil.copy(forecast, path)
    assert open_forecast(own)["t2m"].max() == 1000
    with pytest.raises(InvalidDataError, match=r"t2m of member 0 from .* expected values in .* K, found 1000"):
        open_forecast(theirs)["t2m"].max().compute()


OWN_SYSTEM = {
    "own_datasets": [
        {
            "name": "mine",
            "title": "Mine",
            "source": "files",
            "channels": ["pv300"],
            "step_hours": 24,
            "period_start": "2001-01-01",
            "licence": "CC0",
            "description": "Mine.",
            "variables": {"pv": {"units": "K m2 kg-1 s-1", "on_levels": True}},
        }
    ]
}


def test_our_own_file_brings_the_variables_that_its_system_declares(tmp_path, forecast):
    given = open_forecast(forecast).load()
    theirs = given[["u850"]].rename(u850="pv300")
    theirs["pv300"].attrs = {"units": "K m2 kg-1 s-1"}
    path = tmp_path / "own.nc"
    theirs.assign_attrs(plumecast_configuration=json.dumps(OWN_SYSTEM)).to_netcdf(path, engine="netcdf4")
    with open_forecast(path) as read:
        assert np.array_equal(read["pv300"].values, given["u850"].values)
    broken = tmp_path / "broken.nc"
    theirs.assign_attrs(plumecast_configuration='{"own_datasets": [{}]}').to_netcdf(broken, engine="netcdf4")
    with pytest.raises(InvalidDataError, match="plumecast_configuration: expected a system, found"):
        open_forecast(broken)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_file_is_closed_with_its_forecast(forecast, chunked):
    """So that it can be written again, as after a verification that failed."""
    with open_forecast(forecast, chunked=chunked) as opened:
        part = opened[["u850"]]
        part.isel(member=0).load()
    netCDF4.Dataset(forecast, "a").close()
    assert part.sizes["member"] == 3
