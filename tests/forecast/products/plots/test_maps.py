import numpy as np
import pytest
from PIL import Image

from forecast.products.files.forecast_reading import open_forecast
from forecast.products.plots.figures import Caption
from forecast.products.plots.maps import plot_mean_and_spread, plot_stamps, stamps_figure


@pytest.fixture
def forecast(tmp_path, synthetic):
    return open_forecast(synthetic.write_forecast(tmp_path / "f.nc", channels=("msl",), members=4, leads=2)).load()


def _height(path):
    with Image.open(path) as picture:
        assert len(picture.getcolors(256)) > 20
        return picture.size[1]


def test_mean_and_spread_have_a_row_for_each_lead_time(tmp_path, forecast, synthetic):
    caption = Caption("demo", synthetic.INIT_TIME, 4, False)
    both = plot_mean_and_spread(forecast["msl"], tmp_path / "both.png", caption=caption)
    leads = forecast["lead_time"].values[:1]
    one = plot_mean_and_spread(forecast["msl"], tmp_path / "one.png", caption=caption, leads=leads)
    assert _height(both) > _height(one) > 300


def test_stamps_show_the_analysis_where_it_is_known(tmp_path, forecast, synthetic):
    caption, lead = Caption("demo", synthetic.INIT_TIME, 4, False), np.timedelta64(24, "h")
    analysis = forecast["msl"].isel(member=0, lead_time=0)
    known = plot_stamps(forecast["msl"], tmp_path / "a.png", caption=caption, lead=lead, analysis=analysis)
    unknown = plot_stamps(forecast["msl"], tmp_path / "b.png", caption=caption, lead=lead)
    assert _height(known) > 300
    assert known.read_bytes() != unknown.read_bytes()


def _bar_labels(figure):
    return [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]


def test_members_are_drawn_as_they_depart_from_the_mean(forecast, synthetic):
    caption, lead = Caption("demo", synthetic.INIT_TIME, 4, False), np.timedelta64(24, "h")
    apart = ["mean sea level pressure, hPa", "departure from the ensemble mean, hPa"]
    assert _bar_labels(stamps_figure(forecast["msl"], caption=caption, lead=lead)) == apart
    one = forecast["msl"].isel(member=[0])
    assert _bar_labels(stamps_figure(one, caption=caption, lead=lead)) == apart[:1]
    rain = abs(forecast["msl"] - forecast["msl"].mean()).rename("tp24") / 100
    assert _bar_labels(stamps_figure(rain, caption=caption, lead=lead)) == ["precipitation, mm"]
