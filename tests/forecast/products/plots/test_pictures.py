import numpy as np
import pytest
import xarray as xr
from PIL import Image

from data_catalog.errors import ConfigurationError
from forecast.products.files.runs import RunDirectory
from forecast.products.plots.figures import KnownWeather
from forecast.products.plots.pictures import drawn_channels, plot_run
from forecast.system.products import Point

SCORES = {
    "plumecast": {
        "z500": {
            "crps": {"24": 98.0665, "48": 200.0},
            "rmse": {"24": 200.0, "48": 400.0},
            "spread": {"24": 190.0, "48": 390.0},
            "spread_skill": {"24": 0.95, "48": None},
            "rank_histogram": {"24": [3, 2, 2, 2, 3], "48": [2, 2, 2, 2, 2]},
        }
    },
    "persistence": {"z500": {"crps": {"24": None, "48": None}, "rmse": {"24": 500.0, "48": 100.0}}},
    "climatology": {"z500": {"crps": {"24": 500.0, "48": 150.0}, "rmse": {"24": 900.0, "48": 900.0}}},
}
POINTS = (Point(name="New York", latitude=40.7, longitude=-74.0),)
SAID = {"title": "Demo", "simulated": True}


@pytest.fixture
def run(tmp_path, synthetic):
    run = RunDirectory(tmp_path, "demo", synthetic.INIT_TIME)
    synthetic.write_forecast(run.forecast, channels=("z500", "tp24"), members=4, leads=2)
    return run


def test_all_pictures_of_a_run(run, synthetic):
    times = synthetic.INIT_TIME + np.arange(3) * np.timedelta64(1, "D")
    planes = synthetic.fields(("z500", "tp24"), synthetic.GLOBAL, (9, 10, 11), 0)
    analysis = xr.Dataset(
        {name: (("time", "latitude", "longitude"), values) for name, values in planes.items()}, coords={"time": times}
    )
    made = plot_run(run.path, points=POINTS, scores=SCORES, known=KnownWeather(analysis), lead_days=(1, 2), **SAID)
    expected = ["map_z500", "stamps_z500", "map_tp24", "plume_new_york", "skill", "ranks_z500"]
    assert [path.stem for path in made] == expected
    for path in made:
        with Image.open(path) as picture:
            assert min(picture.size) > 300
            assert len(picture.getcolors(256)) > 20


def test_a_region_and_one_member_can_be_drawn(tmp_path, synthetic):
    run = RunDirectory(tmp_path, "region", synthetic.INIT_TIME)
    synthetic.write_forecast(run.forecast, grid=synthetic.REGIONAL, channels=("msl",), members=1, leads=1)
    assert [path.stem for path in plot_run(run.path, **SAID)] == ["stamps_msl"]


def test_the_first_three_channels_are_drawn_where_none_is_named():
    stored = xr.Dataset(dict.fromkeys(("z500", "t2m", "msl", "tp24"), 0.0))
    assert drawn_channels(stored, ()) == ["z500", "t2m", "msl"]
    assert drawn_channels(stored, ("tp24",)) == ["tp24"]


def test_unknown_channels_are_refused(run):
    with pytest.raises(ConfigurationError, match="expected channels of the forecast, z500, tp24, found t2m"):
        plot_run(run.path, channels=("t2m",), **SAID)
