import netCDF4
import numpy as np
import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.variables import channel
from forecast.products.files import cf


@pytest.mark.parametrize("channels", [("tp24",), ("t2m",)])
def test_axes_are_read_as_they_were_written(tmp_path, synthetic, channels):
    given = synthetic.axes(synthetic.GLOBAL, 3)
    accumulation = cf.accumulation_of(channels, 24)
    with netCDF4.Dataset(tmp_path / "f.nc", "w") as file:
        cf.write_axes(file, given, accumulation=accumulation)
    with netCDF4.Dataset(tmp_path / "f.nc") as file:
        axes, found = cf.read_axes(file)
    assert found == accumulation
    assert axes.init_time == given.init_time
    for name in ("latitude", "longitude", "lead_times", "valid_times"):
        assert np.array_equal(getattr(axes, name), getattr(given, name))


@pytest.mark.parametrize(
    ("latitude", "leads", "start", "words"),
    [
        ([10.0, 0.0], [24], "2008-01-15", "latitude: expected finite, strictly increasing values"),
        ([0.0, np.nan], [24], "2008-01-15", "latitude: expected finite, strictly increasing values"),
        ([], [24], "2008-01-15", "latitude: expected finite, strictly increasing values"),
        ([0.0, 10.0], [24, 24], "2008-01-15", "lead_time: expected finite, strictly increasing values"),
        ([0.0, 10.0], [0, 24], "2008-01-15", "lead_time: expected positive leads, found 0 h"),
        ([0.0, 10.0], [24], "NaT", "init_time: expected a time, found NaT"),
    ],
)
def test_unusable_axes_are_refused(latitude, leads, start, words):
    hours = np.array(leads).astype("timedelta64[h]").astype("timedelta64[ns]")
    axes = cf.ForecastAxes(np.array(latitude), np.array([0.0, 10.0]), np.datetime64(start, "ns"), hours)
    with pytest.raises(InvalidDataError, match=words):
        cf.check_axes(axes)


@pytest.mark.parametrize("value", ["", "  ", None])
def test_a_missing_global_attribute_is_named(tmp_path, synthetic, value):
    attributes = {name: text for name, text in synthetic.ATTRIBUTES.items() if name != "institution"}
    if value is not None:
        attributes["institution"] = value
    with (
        netCDF4.Dataset(tmp_path / "f.nc", "w") as file,
        pytest.raises(ConfigurationError, match="expected a global attribute 'institution' with some text, found none"),
    ):
        cf.write_global_attributes(file, attributes)


def test_sums_share_one_interval():
    assert cf.accumulation_of(["z500", "t2m"], 24) is None
    assert cf.accumulation_of(["z500", "tp24"], 12) == np.timedelta64(24, "h")
    with pytest.raises(ConfigurationError, match="tp6 6 h, tp24 24 h"):
        cf.accumulation_of(["tp6", "tp24"], 24)


def test_a_level_is_a_scalar_coordinate_in_pascal(tmp_path):
    with netCDF4.Dataset(tmp_path / "f.nc", "w") as file:
        for name in ("z500", "u500", "t2m"):
            cf.write_level(file, channel(name))
        assert list(file.variables) == ["pressure_level_500"]
        assert float(file["pressure_level_500"][...]) == 50000.0
        assert file["pressure_level_500"].units == "Pa"
    assert cf.level_coordinate(channel("t2m")) is None


def test_fields_have_their_cf_attributes():
    height = cf.field_attributes(channel("z500"))
    assert height["standard_name"] == "geopotential"
    assert height["long_name"].endswith(" at 500 hPa")
    assert height["coordinates"] == "forecast_reference_time forecast_period pressure_level_500"
    assert cf.field_attributes(channel("tp24"), cell_methods="realization: mean")["cell_methods"] == (
        "time: sum realization: mean"
    )
    temperature = cf.field_attributes(channel("t2m"))
    assert temperature["units_metadata"] == "temperature: on_scale"
    assert cf.field_attributes(channel("t2m"), difference=True)["units_metadata"] == "temperature: difference"


def test_one_chunk_is_cached(tmp_path):
    with netCDF4.Dataset(tmp_path / "f.nc", "w") as file:
        for name in ("x", "y"):
            file.createDimension(name, 8)
        variable = file.createVariable("field", "f4", ("x", "y"), chunksizes=(1, 8))
        cf.keep_one_chunk(variable)
        assert variable.get_var_chunk_cache()[0] == 8 * 4


def test_bounds_end_at_the_poles_only_on_global_grids(tmp_path, synthetic):
    for grid, expected in (("GLOBAL", (-90, 90)), ("POLES", (-90, 90)), ("REGIONAL", (28.75, 71.25))):
        path = synthetic.write_forecast(
            tmp_path / f"{grid}.nc", grid=getattr(synthetic, grid), channels=("msl",), leads=1
        )
        with netCDF4.Dataset(path) as file:
            bounds = np.asarray(file["latitude_bnds"][:])
            assert (bounds[0, 0], bounds[-1, 1]) == expected
            assert np.array_equal(bounds[1:, 0], bounds[:-1, 1])
