"""`verify --stations`: fields brought to places, tables of ensembles, gross errors left out and counted."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from pipelines.cli.app import main

LATITUDES, LONGITUDES = np.arange(40.0, 61.0, 5.0), np.arange(0.0, 21.0, 5.0)


def plane(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    return 290 - 0.5 * (latitude - 40) + 0.1 * longitude


@pytest.fixture
def forecast(tmp_path: Path) -> Path:
    """Four members of 2 m temperature on a plane, -1, 0, 1 and 2 K beside it, at 0, 6 and 12 h."""
    field = plane(LATITUDES[:, None], LONGITUDES)[None, None] + np.arange(-1.0, 3.0)[:, None, None, None]
    coords = {
        "time": np.array([0, 6, 12], "timedelta64[h]") + np.datetime64("2019-02-17", "ns"),
        "latitude": ("latitude", LATITUDES, {"units": "degrees_north"}),
        "longitude": ("longitude", LONGITUDES, {"units": "degrees_east"}),
        "forecast_reference_time": np.datetime64("2019-02-17", "ns"),
    }
    values = np.broadcast_to(field, (4, 3, 5, 5)).astype("float32")
    made = xr.DataArray(values, dims=("number", "time", "latitude", "longitude"), coords=coords, name="t2m")
    made.assign_attrs(units="K", standard_name="air_temperature").to_netcdf(tmp_path / "theirs.nc")
    return tmp_path / "theirs.nc"


@pytest.fixture
def synop(tmp_path: Path) -> Path:
    """Stations on the plane, 100 m above the model's surface, one of them outside the grid, one value impossible."""
    rows = []
    for number, (latitude, longitude) in enumerate([(42.0, 3.0), (51.5, 12.5), (58.0, 19.0), (10.0, 10.0)]):
        for hour in range(13):
            value = float(plane(np.array(latitude), np.array(longitude))) - 0.65
            time = pd.Timestamp("2019-02-17") + pd.Timedelta(hours=hour)
            rows.append((number, time, latitude, longitude, 100.0, 365.0 if (number, hour) == (1, 6) else value))
    pd.DataFrame(rows, columns=["SID", "valid", "lat", "lon", "elev", "TT"]).to_csv(tmp_path / "s.csv", index=False)
    return tmp_path / "s.csv"


def reported(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    capsys.readouterr()
    assert main(["verify", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_fields_are_verified_at_stations(forecast: Path, synop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = reported(capsys, forecast, "--stations", synop, "--at", "linear")
    assert (found["quantity"], found["units"], found["stations"], found["members"]) == ("t2m", "K", 3, 4)
    assert found["observations"]["left_out"] == 1
    assert found["observations"]["suspect"]["bounds"] == 1
    assert found["raw"]["cases"] == 8
    assert found["raw"]["bias"] == pytest.approx(0.5 + 0.65, abs=1e-4)
    assert set(found["raw"]["by_lead"]) == {"0", "6", "12"}
    nearest = reported(capsys, forecast, "--stations", synop)
    assert nearest["raw"]["rmse"] != pytest.approx(found["raw"]["rmse"], abs=1e-3)


def test_height_of_the_station_counts(
    forecast: Path, synop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    surface = xr.DataArray(
        np.zeros((5, 5)), dims=("latitude", "longitude"), coords={"latitude": LATITUDES, "longitude": LONGITUDES}
    )
    surface.assign_attrs(units="m").to_dataset(name="orography").to_netcdf(tmp_path / "o.nc")
    words = [forecast, "--stations", synop, "--at", "height"]
    assert reported(capsys, *words, "--orography", tmp_path / "o.nc")["raw"]["bias"] == pytest.approx(0.5, abs=1e-4)
    assert main(["verify", *map(str, words)]) == 2
    assert "expected heights of model and stations, found no --orography" in capsys.readouterr().err


def test_tables_bring_their_observations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    days = pd.date_range("2020-01-01", periods=40)
    rows = pd.DataFrame({"place": "a", "init_time": days, "lead": 24, "T": rng.normal(5, 2, 40)})
    rows[[f"m{number}" for number in range(6)]] = rng.normal(5, 1, (40, 6))
    rows.loc[7, "T"] = 365.0 - 273.15
    rows.to_csv(tmp_path / "t.csv", index=False)
    found = reported(capsys, tmp_path / "t.csv", "--out", tmp_path / "scores.json")
    assert (found["quantity"], found["units"], found["raw"]["cases"]) == ("t2m", "degC", 39)
    assert json.loads((tmp_path / "scores.json").read_text()) == found
    beside = rows.drop(columns="T").to_csv(tmp_path / "bare.csv", index=False)
    assert beside is None
    assert reported(capsys, tmp_path / "bare.csv", "--stations", tmp_path / "t.csv") == found
    assert main(["verify", str(tmp_path / "bare.csv")]) == 2
    assert "--stations: expected observations" in capsys.readouterr().err


def test_wrong_options_are_refused(forecast: Path, synop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        (["--at", "cubic"], "--at: expected one of nearest, linear, height, found 'cubic'"),
        (["--channel", "msl"], "--channel: expected one of t2m"),
        (["--channel", "t2m", "--channel", "msl"], "expected one at stations"),
    ):
        assert main(["verify", str(forecast), "--stations", str(synop), *words]) == 2
        assert message in capsys.readouterr().err
    assert main(["verify", str(forecast), str(synop), "--stations", str(synop)]) == 2
    assert "found both" in capsys.readouterr().err
