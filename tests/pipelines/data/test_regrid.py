"""The command that writes the fields of a file on another grid."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError
from pipelines.cli.app import main
from pipelines.data.regrid import parse_grid, regrid_file
from pipelines.workspace.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def aslant(tmp_path: Path) -> Path:
    """A file on a curvilinear grid, whose field is its own latitude in K."""
    y, x = np.meshgrid(np.arange(30.0), np.arange(40.0), indexing="ij")
    latitude, longitude = 35 + y + 0.1 * x, -10 + x - 0.1 * y
    places = {"lat": (("y", "x"), latitude), "lon": (("y", "x"), longitude)}
    times = np.array(["2001-01-01", "2001-01-02"], "M8[ns]")
    field = ("time", "y", "x"), 250 + np.stack([latitude, latitude]), {"units": "K"}
    path = tmp_path / "aslant.nc"
    xr.Dataset({"t2m": field}, {"time": times, **places}).to_netcdf(path, engine="netcdf4")
    return path


def test_a_curvilinear_file_becomes_a_regular_one(home: Home, aslant: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.nc"
    line = regrid_file(home, str(aslant), grid="40:55:2.5,0:20:5", method="bilinear", out=out)
    assert line.endswith("t2m on 7 x 5 points, bilinear from a grid curvilinear, 30 x 40 points, latitude 35 to 67.9, "
                         "longitude -12.9 to 29")  # fmt: skip
    with xr.open_dataset(out, engine="netcdf4") as found:
        expected = 250 + np.broadcast_to(found["latitude"].values[:, np.newaxis], (2, 7, 5))
        np.testing.assert_allclose(found["t2m"], expected, atol=0.02)
    with pytest.raises(ConfigurationError, match="--out: expected a file that does not exist yet"):
        regrid_file(home, str(aslant), grid="40:55:2.5,0:20:5", method="bilinear", out=out)


def test_the_command_says_what_it_needs(
    home: Home, aslant: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLUMECAST_HOME", str(home.root))
    words = ["regrid", str(aslant), "--grid", "40:50:5,0:10:5", "--out", str(tmp_path / "out.nc"), "--method"]
    assert main([*words, "cubic"]) == 2
    assert "--method: expected one of conservative, bilinear, nearest, found 'cubic'" in capsys.readouterr().err
    assert main([*words, "conservative"]) == 2
    assert "expected method bilinear or nearest for a curvilinear grid" in capsys.readouterr().err
    assert main([*words, "nearest"]) == 0
    assert "t2m on 3 x 3 points, nearest" in capsys.readouterr().out


def test_a_grid_is_a_range_or_that_of_a_dataset(home: Home) -> None:
    rows, columns = parse_grid(home, "-90:90:1.5, 0:358.5:1.5").coordinates()
    assert (rows.size, columns.size, columns[-1]) == (121, 240, 358.5)
    assert parse_grid(home, "ncep-natlantic").coordinates()[0].size == 17
    for text, message in {
        "30:55:2,0:10:5": "expected a step that divides 30 to 55, found 2",
        "30:95:5,0:10:5": "latitude: expected values in -90..90",
        "30:55": "expected SOUTH:NORTH:STEP,WEST:EAST:STEP",
        "55:30:-5,0:10:5": "expected a step that divides",
        "nowhere": "expected one of",
    }.items():
        with pytest.raises(ConfigurationError, match=message):
            parse_grid(home, text)
