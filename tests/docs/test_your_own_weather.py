"""The commands of docs/your-own-weather.md make a trained and verified system of anyone's file."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipelines.cli.app import main

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-weather.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def europe() -> xr.Dataset:
    """Daily weather over a few points of Europe with a memory of some days, in the layout of the Climate Data Store."""
    generator = np.random.default_rng(0)
    times = np.arange("2007-01-01T12", "2008-03-01T12", 24, "M8[h]").astype("M8[ns]")
    latitude, longitude = np.arange(55.0, 39.0, -2.5), np.arange(-5.0, 13.0, 2.5)
    noise = generator.standard_normal((2, times.size, latitude.size, longitude.size)).astype(np.float32)
    for day in range(1, times.size):
        noise[:, day] = 0.8 * noise[:, day - 1] + 0.6 * noise[:, day]
    dims = ("valid_time", "pressure_level", "latitude", "longitude")
    fields = {
        "z": (dims, 55_000 + 600 * noise[:1].swapaxes(0, 1), {"units": "m**2 s**-2"}),
        "smoke": (dims, np.abs(noise[1:]).swapaxes(0, 1), {"units": "kg m-3"}),
    }
    places = {"valid_time": times, "pressure_level": [500.0], "latitude": latitude, "longitude": longitude}
    on_850 = (("valid_time", "latitude", "longitude"), 280 + 4 * noise[1], {"units": "K"})
    return xr.Dataset(fields, places).assign(t_850=on_850)


def test_six_commands_lead_from_a_file_to_a_verified_forecast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUMECAST_HOME", "home")
    europe().to_netcdf("europe.nc")
    assert [command.split()[1] for command in COMMANDS] == [
        "new-dataset", "ingest", "new-system", "train", "forecast", "verify",
    ]  # fmt: skip
    printed = []
    for command in COMMANDS:
        assert main(shlex.split(command)[1:]) == 0, capsys.readouterr().err
        printed.append(capsys.readouterr().out)
    assert "left out smoke: no known variable has this name" in printed[0]
    scores = json.loads(Path("home/runs/europe/20080201T1200Z/scores.json").read_text())["scores"]
    assert set(scores) == {"plumecast", "climatology", "persistence", "linear", "analogue"}
    assert set(scores["plumecast"]) == {"z500", "t850"}
    assert 0 < scores["plumecast"]["z500"]["crps"]["24"] < 2000
