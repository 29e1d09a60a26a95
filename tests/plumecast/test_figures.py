import numpy as np
import pytest
import xarray as xr

import plumecast
from plumecast.figures import caption_of, point_of

START = np.datetime64("2008-01-05", "ns")


@pytest.fixture
def forecast() -> xr.Dataset:
    rng = np.random.default_rng(0)
    coords = {
        "member": range(4),
        "lead_time": np.array([24, 48], "timedelta64[h]").astype("timedelta64[ns]"),
        "latitude": np.linspace(30.0, 70.0, 5),
        "longitude": np.linspace(-40.0, 20.0, 7),
        "init_time": START,
    }
    values = rng.normal(280, 4, (4, 2, 5, 7))
    fields = {"t2m": (("member", "lead_time", "latitude", "longitude"), values)}
    attrs = {
        "title": "Ours: ensemble forecast from 2008-01-05T00:00Z",
        "source": "Simulated weather, not the real one.",
    }
    return xr.Dataset(fields, coords, attrs)


@pytest.fixture
def analysis(forecast: xr.Dataset) -> xr.Dataset:
    times = START + np.arange(-2, 4).astype("timedelta64[D]")
    planes = np.stack([forecast["t2m"].values[0, 0] + number for number in range(6)])
    return xr.Dataset({"t2m": (("time", "latitude", "longitude"), planes)}, {"time": times})


def texts(figure: object) -> str:
    return " ".join(text.get_text() for text in figure.findobj(lambda each: hasattr(each, "get_text")))  # type: ignore[attr-defined]


def test_a_plume(forecast: xr.Dataset, analysis: xr.Dataset) -> None:
    alone, both = plumecast.plume(forecast, "51.5,-0.1"), plumecast.plume(forecast, (51.5, -0.1), analysis=analysis)
    assert "51.5°N 0.1°W" in texts(alone)
    assert "Ours" in texts(alone)
    assert "SIMULATED WEATHER" in texts(alone)
    assert "analysis" in texts(both)
    assert "analysis" not in texts(alone)


def test_maps_and_stamps(forecast: xr.Dataset, analysis: xr.Dataset) -> None:
    whole, one = plumecast.map_of(forecast, "t2m"), plumecast.map_of(forecast, "t2m", ["2d"])
    assert whole.get_figheight() > one.get_figheight()
    assert "Analysis" in texts(plumecast.stamps(forecast, "t2m", "24h", analysis))
    assert "Analysis" not in texts(plumecast.stamps(forecast, "t2m", "24h", analysis.isel(time=[0])))


def test_heading_without_attributes(forecast: xr.Dataset) -> None:
    caption = caption_of(forecast.drop_attrs())
    assert (caption.system_title, caption.members, caption.simulated) == ("Forecast", 4, False)


@pytest.mark.parametrize("place", ["London", "51", "91,0", "0,400", (1, 2, 3), None, "nan,0"])
def test_what_is_no_place_is_refused(place: object) -> None:
    with pytest.raises(
        plumecast.ConfigurationError, match=r"place: expected latitude and longitude such as \(51\.5, -0\.1\)"
    ):
        point_of(place)  # type: ignore[arg-type]


def test_what_the_forecast_lacks_is_refused(forecast: xr.Dataset) -> None:
    with pytest.raises(plumecast.ConfigurationError, match="expected channels of the forecast, t2m, found 'msl'"):
        plumecast.map_of(forecast, "msl")
    with pytest.raises(plumecast.ConfigurationError, match="2 lead times from 24h to 48h, found '3d'"):
        plumecast.stamps(forecast, "t2m", "3d")
    with pytest.raises(plumecast.ConfigurationError, match=r"lead: expected .* found 'soon'"):
        plumecast.stamps(forecast, "t2m", "soon")
    with pytest.raises(plumecast.ConfigurationError, match="expected a latitude from 30 to 70, found -60"):
        plumecast.plume(forecast, (-60.0, 0.0))
