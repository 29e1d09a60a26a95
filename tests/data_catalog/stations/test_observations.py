"""Observations of stations, from CSV and NetCDF."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.stations.observations import holds_forecasts, observed_quantities, read_observations

SYNOP = """SID,valid,lat,lon,elev,TT,PS
1,2019-02-17,70.939,-8.669,9,269.6,1008.6
1,2019-02-17 03:00:00,70.941,-8.671,9,270.6,1007.6
2,2019-02-17 01:00:00,80.0,16.2,8,,1011.4
"""


def test_synop_becomes_an_even_series(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(SYNOP)
    found = read_observations(tmp_path / "s.csv", "t2m")
    assert found.sizes == {"station": 2, "time": 4}
    assert found.sel(station="1").values.tolist()[0] == 269.6
    assert int(found.notnull().sum()) == 2
    assert float(found["latitude"].sel(station="1")) == pytest.approx(70.94)
    assert float(read_observations(tmp_path / "s.csv", "msl").max()) == pytest.approx(101140)
    assert observed_quantities(tmp_path / "s.csv") == ("t2m", "msl")
    assert not holds_forecasts(tmp_path / "s.csv")


def test_units_are_stated_or_named(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("sid,time,lat,lon,t2m\n1,2019-02-17,50,8,9.5\n")
    with pytest.raises(InvalidDataError, match="are they degC"):
        read_observations(tmp_path / "s.csv", "t2m")
    assert float(read_observations(tmp_path / "s.csv", "t2m", units="degC").squeeze()) == pytest.approx(282.65)


def test_netcdf_is_read_alike(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(SYNOP)
    found = read_observations(tmp_path / "s.csv", "t2m")
    found.astype("float32").assign_coords(station=found["station"].values.astype(str)).to_netcdf(tmp_path / "s.nc")
    again = read_observations(tmp_path / "s.nc", "t2m")
    np.testing.assert_allclose(again.values, found.values, rtol=1e-6)
    assert set(again.coords) == {"station", "time", "latitude", "longitude", "elevation"}
    assert observed_quantities(tmp_path / "s.nc") == ("t2m",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sid,valid,lat,lon,x\n1,2020-01-01,5,5,1\n", "expected t2m as one of t2m, tt"),
        ("valid,lat,lon,TT\n2020-01-01,5,5,280\n", "expected a column of station"),
        ("sid,valid,TT\n1,2020-01-01,280\n", "expected a column of latitude"),
        ("sid,valid,lat,lon,TT\n1,2020-01-01,5,5,280\n1,2020-01-01,5,5,281\n", "expected one row for each station"),
    ],
)
def test_no_observations(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InvalidDataError, match=message):
        read_observations(tmp_path / "s.csv", "t2m")


def test_no_netcdf_of_observations(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError):
        read_observations(tmp_path / "s.nc", "t2m")
    xr.Dataset({"t2m": ("x", [280.0])}).to_netcdf(tmp_path / "s.nc")
    with pytest.raises(InvalidDataError, match="on station and time"):
        read_observations(tmp_path / "s.nc", "t2m")
