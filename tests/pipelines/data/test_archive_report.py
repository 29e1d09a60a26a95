"""The page of an archive from the command line."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.layout.variables import channel
from pipelines.cli.app import main

DAYS = 45


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """45 days of smooth pressure over the North Atlantic, two of them missing, and one frozen."""
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path))
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    times = np.datetime64("2001-01-01", "ns") + np.arange(DAYS) * np.timedelta64(1, "D")
    latitude, longitude = np.linspace(30, 70, 17), np.linspace(-70, 10, 33)
    rng = np.random.default_rng(0)
    waves = rng.standard_normal((DAYS, 3)).cumsum(axis=0) / 3
    turns = np.deg2rad(longitude[None, None] * np.arange(1, 4)[:, None, None] + latitude[None, :, None])
    values = 101e3 + 800 * np.tensordot(waves, np.cos(turns), 1) + rng.standard_normal((DAYS, 17, 33))
    values[30] = values[29]
    field = (("time", "latitude", "longitude"), values.astype("f4"), channel("msl").attributes)
    weather = xr.Dataset({"msl": field}, {"time": times, "latitude": latitude, "longitude": longitude})
    kept = np.setdiff1d(np.arange(DAYS), [10, 11])
    weather.isel(time=kept).to_netcdf(tmp_path / "slp.nc", engine="netcdf4")
    assert main(["ingest", "ncep-natlantic", "--source", str(tmp_path / "slp.nc")]) == 0
    return tmp_path


def test_a_page_shows_what_is_there_suspect_and_missing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = home / "page.html"
    assert main(["archive", "report", "ncep-natlantic", "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    page = out.read_text(encoding="utf-8")
    assert "43</dd>" in page
    assert "2001-01-11T00:00Z to 2001-01-12T00:00Z, 2 times" in page
    assert "frozen or repeated fields" in page
    assert "Suspect: Wed 31 Jan 2001 00 UTC" in page
    assert "2 times missing" in page
    assert page.count("<img") == 4
    assert "Kalnay" in page or "NOAA" in page


def test_without_an_archive_nothing_is_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = home / "none.html"
    assert main(["archive", "report", "erai-sweurope", "--out", str(out)]) == 3
    assert "expected an archive" in capsys.readouterr().err
    assert not out.exists()
