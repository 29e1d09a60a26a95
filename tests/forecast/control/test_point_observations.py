"""Tables of observations are read alike from CSV and NetCDF, and refused in one line where they are wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from forecast.control.point_observations import read_observations

CHANNELS = ("msl", "t2m")
TABLE = """time,latitude,longitude,channel,value,error
2008-01-02T00:00Z,64,-22,msl,98000,100
2008-01-03,51.5,0,t2m,281.5,0.5
"""
INIT = np.datetime64("2008-01-01", "ns")


def written(directory: Path, text: str = TABLE) -> Path:
    path = directory / "observed.csv"
    path.write_text(text)
    return path


def test_a_csv_becomes_conditions(tmp_path: Path) -> None:
    found = read_observations(written(tmp_path), CHANNELS)
    assert len(found) == 2
    assert [str(one) for one in found.conditions(INIT)] == [
        "msl@64N,22W = 98000.0 +- 100.0 at 24h",
        "t2m@51.5N,0E = 281.5 +- 0.5 at 48h",
    ]
    assert found.at(np.datetime64("2008-01-03", "ns")).channel.tolist() == ["t2m"]


def test_netcdf_holds_the_same(tmp_path: Path) -> None:
    table = pd.read_csv(written(tmp_path)).assign(time=pd.to_datetime(["2008-01-02", "2008-01-03"]))
    table.rename_axis("observation").to_xarray().to_netcdf(tmp_path / "observed.nc", engine="netcdf4")
    one, other = (read_observations(tmp_path / name, CHANNELS) for name in ("observed.csv", "observed.nc"))
    assert one.conditions(INIT) == other.conditions(INIT)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("error\n", "sigma\n", "expected the columns time, latitude, .* found time, latitude, longitude, channel"),
        ("98000", "deep", r"value, row 1: expected a number, found 'deep'"),
        ("51.5", "151.5", "latitude, row 2: expected -90 to 90, found 151.5"),
        (",0.5\n", ",0\n", "error, row 2: expected standard errors above 0, found 0"),
        ("2008-01-03", "soon", "time, row 2: expected an ISO time, found 'soon'"),
        (TABLE[TABLE.index("2008") :], "", "with rows, found no rows"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    with pytest.raises(InvalidDataError, match=fault):
        read_observations(written(tmp_path, TABLE.replace(old, new)), CHANNELS)


def test_an_unknown_channel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"expected channels among msl, t2m, found 't2' \(did you mean"):
        read_observations(written(tmp_path, TABLE.replace("t2m", "t2")), CHANNELS)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="expected a file, found none"):
        read_observations(tmp_path / "none.csv", CHANNELS)
    (tmp_path / "text.nc").write_text("no table")
    with pytest.raises(InvalidDataError, match="expected a CSV or NetCDF table"):
        read_observations(tmp_path / "text.nc", CHANNELS)


def test_observations_before_the_start_are_no_conditions(tmp_path: Path) -> None:
    found = read_observations(written(tmp_path), CHANNELS)
    with pytest.raises(ConfigurationError, match="expected observations after 2008-01-02T00:00Z, the start"):
        found.conditions(np.datetime64("2008-01-02", "ns"))
    with pytest.raises(ConfigurationError, match="expected whole hours"):
        found.conditions(INIT + np.timedelta64(1, "m"))
