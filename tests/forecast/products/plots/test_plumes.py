import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.plots.figures import Caption, KnownWeather
from forecast.products.plots.plumes import nearest, plot_plume
from forecast.system.products import Point

LONDON = Point(name="London", latitude=51.5, longitude=359.9)


def test_analysis_and_climatology_are_drawn_where_they_are_known(tmp_path, synthetic):
    path = synthetic.write_forecast(tmp_path / "f.nc", channels=("msl", "tp24"), members=4, leads=3)
    with open_forecast(path, chunked=False) as forecast:
        times = synthetic.INIT_TIME + np.array([0, 24]) * np.timedelta64(1, "h")
        analysis = forecast.isel(member=0, lead_time=slice(2)).drop_vars(["member", "init_time"])
        analysis = analysis.rename(lead_time="time").assign_coords(time=times)
        drawn = {
            name: plot_plume(
                forecast, tmp_path / f"{name}.png", caption=Caption("demo", synthetic.INIT_TIME, 4, False),
                point=LONDON, channels=["msl", "tp24"], known=known,
            ).read_bytes()
            for name, known in {
                "nothing": KnownWeather(), "analysis": KnownWeather(analysis), "both": KnownWeather(analysis, forecast),
            }.items()
        }  # fmt: skip
    assert len(set(drawn.values())) == 3


def test_places_outside_the_grid_are_refused(synthetic):
    grid = xr.Dataset(coords={"latitude": synthetic.REGIONAL[0], "longitude": synthetic.REGIONAL[1]})
    assert nearest(grid, LONDON) == (9, 28)
    with pytest.raises(ConfigurationError, match=r"Tokyo: expected a longitude from -70 to 10, found 139\.7"):
        nearest(grid, Point(name="Tokyo", latitude=35.7, longitude=139.7))


def test_nearest_reaches_across_the_date_line(synthetic):
    grid = xr.Dataset(coords={"latitude": synthetic.GLOBAL[0], "longitude": synthetic.GLOBAL[1]})
    assert nearest(grid, Point(name="Greenwich", latitude=51.5, longitude=359.0))[1] == 0
    assert nearest(grid, Point(name="Greenwich", latitude=51.5, longitude=-11.0))[1] == 31
