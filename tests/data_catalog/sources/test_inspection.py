"""What anyone's data holds, and why the rest of it is no channel."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.catalog import GridAxes
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.inspection import inspect_location, unknown_variables

DIMS = ("time", "latitude", "longitude")
ROWS, COLUMNS = np.linspace(55.0, 30.0, 6), np.linspace(-15.0, 15.0, 7)


def weather(first: str = "2001-01-01", times: int = 6, hours: int = 12) -> xr.Dataset:
    """Pressure, temperature on two levels, land, and fields that are no channels."""
    shape = (times, 6, 7)
    when = np.datetime64(first, "ns") + np.arange(times) * np.timedelta64(hours, "h")
    noise = np.random.default_rng(0).random(shape, np.float32)
    fields = {
        "slp": (DIMS, 1000 + noise, {"units": "hPa"}),
        "air": (("time", "level", "latitude", "longitude"), 280 + np.stack([noise, noise], 1), {"units": "K"}),
        "lsm": (("latitude", "longitude"), noise[0], {"units": "1"}),
        "PM_Smoke": (DIMS, noise, {"units": "kg m-3", "long_name": "smoke"}),
        "d2m": (DIMS, noise, {"units": "hPa"}),
        "skt": (DIMS, noise, {"units": "K"}),
        "gh": (DIMS, noise, {"units": "m"}),
        "crs": ((), 0),
    }
    places = {
        "time": when,
        "level": ("level", [500.0, 850.0], {"units": "hPa"}),
        "latitude": ROWS,
        "longitude": COLUMNS,
    }
    return xr.Dataset(fields, places, {"title": "Ours", "license": "CC0"})


def at_minutes(minutes: list[int]) -> xr.Dataset:
    """Pressure at some minutes after a start."""
    when = np.datetime64("2001-01-01", "ns") + np.array(minutes) * np.timedelta64(1, "m")
    return weather(times=len(minutes))[["slp"]].assign_coords(time=when)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ours.nc"
    weather().to_netcdf(path)
    return path


def test_what_can_be_read_is_found(file: Path) -> None:
    found = inspect_location(file)
    assert (found.channels, found.static) == (("t500", "t850", "msl"), ("lsm",))
    assert found.source_names["msl"] == "slp"
    assert (found.step_hours, len(found.times)) == (12, 6)
    assert found.grid == GridAxes(latitude=(30.0, 55.0, 6), longitude=(-15.0, 15.0, 7))
    low, high = found.ranges["msl"]
    assert 100_000 <= low < high <= 100_100
    assert found.attributes["license"] == "CC0"


def test_what_cannot_be_read_has_a_reason(file: Path) -> None:
    found = inspect_location(file)
    assert set(found.left_out) == {"PM_Smoke", "d2m", "skt", "gh"}
    assert "no known variable has this name" in found.left_out["PM_Smoke"]
    assert "expected units that can be converted to K" in found.left_out["d2m"]
    assert "expected values in 150..360 K" in found.left_out["skt"]
    assert "no pressure level" in found.left_out["gh"]
    smoke, height = found.unknown
    assert (smoke.short_name, smoke.units, smoke.on_levels) == ("pmsmoke", "kg m-3", False)
    assert (height.name, height.short_name) == ("gh", "owngh")
    assert unknown_variables(file) == (smoke, height)


def test_chosen_channels_alone_are_taken(file: Path) -> None:
    found = inspect_location(file, ["t850"])
    assert found.channels == ("t850",)
    assert found.left_out["msl"] == "not asked for"


def test_files_of_a_directory_are_taken_together(tmp_path: Path) -> None:
    for number, first in enumerate(("2001-01-01", "2001-01-04")):
        weather(first)[["slp"]].to_netcdf(tmp_path / f"{number}.nc")
    weather("2001-01-01", times=12)[["PM_Smoke", "lsm"]].to_netcdf(tmp_path / "others.nc")
    found = inspect_location(tmp_path)
    assert (found.channels, found.static, len(found.times)) == (("msl",), ("lsm",), 12)
    assert list(found.left_out) == ["PM_Smoke"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (weather()[["PM_Smoke", "d2m"]], "expected a channel that can be read, found .*units .*no known variable"),
        (weather(times=1)[["slp"]], "expected two times at least, found 1"),
        (at_minutes([0, 1440, 2880, 4620]), "expected a step of 24 h"),
        (at_minutes([0, 90, 180, 270]), r"expected a step of whole hours, found 1\.5 h"),
        (weather()[["slp"]].drop_vars("latitude"), "expected a latitude dimension"),
    ],
)
def test_data_that_is_no_dataset_is_refused(tmp_path: Path, data: xr.Dataset, message: str) -> None:
    data.to_netcdf(tmp_path / "odd.nc")
    with pytest.raises(InvalidDataError, match=message):
        inspect_location(tmp_path / "odd.nc")


def test_a_place_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a file or directory"):
        inspect_location(tmp_path / "absent.nc")
