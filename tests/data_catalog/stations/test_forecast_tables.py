"""Tables of ensembles at stations: anyone's columns, round trips, and what is no such table."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.stations.forecast_tables import read_forecast_table, write_forecast_table

KEPS = """name,hlon,lon,lat,init_time,leadtime,T,EM001,EM000,EnsM
De Bilt,5,5.18,52.1,2020-01-01,01,8.1,7.3,7.2,7.25
De Bilt,5,5.18,52.1,2020-01-01,02,,7.5,7.4,7.45
Cabauw,5,4.93,52.0,2020-01-02,01,7.0,6.3,6.2,6.25
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_rows_become_an_array(tmp_path: Path) -> None:
    table = read_forecast_table(written(tmp_path / "a.csv", KEPS))
    assert dict(table.sizes) == {"station": 2, "init_time": 2, "lead_time": 2, "member": 2}
    assert table.attrs == {"quantity": "t2m"}
    row = table.sel(station="De Bilt", init_time="2020-01-01")
    assert row["forecast"].values.tolist() == [[7.2, 7.3], [7.4, 7.5]]
    assert row["observation"].values[0] == 8.1
    assert np.isnan(row["observation"].values[1])
    assert table["forecast"].sel(station="Cabauw", init_time="2020-01-01").isnull().all()
    assert table["longitude"].values.tolist() == [4.93, 5.18]


@pytest.mark.parametrize("name", ["b.csv", "b.csv.gz", "b.nc"])
def test_written_tables_are_read_alike(tmp_path: Path, name: str) -> None:
    table = read_forecast_table(written(tmp_path / "a.csv", KEPS)).assign_attrs(units="degC")
    again = read_forecast_table(write_forecast_table(tmp_path / name, table))
    xr.testing.assert_allclose(again["forecast"].astype(float), table["forecast"])
    np.testing.assert_array_equal(again["observation"], table["observation"])
    assert again.attrs["units"] == "degC"


def test_a_table_without_station_and_lead_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "a.csv", "date,obs,HRES,forc.CTRL,P1,P2\n20070106,0.6,1,2,3,4\n20070107,0,1,2,3,4\n")
    with caplog.at_level(logging.WARNING, "plumecast"):
        table = read_forecast_table(path)
    assert "all are taken as 24 h ahead" in caplog.text
    assert table["lead_time"].values == np.timedelta64(24, "h")
    assert table["single_forecast"].sel(model="ctrl").values.ravel().tolist() == [2, 2]
    assert table["station"].values.tolist() == ["station"]
    assert read_forecast_table(path, lead_hours=30)["lead_time"].values == np.timedelta64(30, "h")


def test_valid_times_stand_for_lead_times(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "sid,fcdate,valid,m1,m2\n1,2020-01-01,2020-01-01 06:00:00,3,4\n")
    assert read_forecast_table(path)["lead_time"].values == np.timedelta64(6, "h")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sid,date,a,b\n1,2020-01-01,3,4\n", "expected columns of at least 2 members"),
        ("sid,lead,m1,m2\n1,24,3,4\n", "expected a column of starts"),
        ("sid,date,m1,m2\n1,2020-01-01,3,4\n1,2020-01-01,3,4\n", "expected one row for each station, start and lead"),
        ("sid,date,units,m1,m2\n1,2020-01-01,K,3,4\n2,2020-01-01,degC,3,4\n", "expected the same units in all rows"),
        ("sid,date,m1,m2\n1,2020-01-01,3,much\n", "expected a number in row 1 of 'm2', found 'much'"),
    ],
)
def test_no_table_of_forecasts(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidDataError, match=message):
        read_forecast_table(written(tmp_path / "a.csv", text))


def test_irregular_tables_are_refused(tmp_path: Path) -> None:
    days = pd.date_range("2000-01-01", periods=300)
    rows = pd.DataFrame({"sid": np.arange(300), "date": days, "lead": np.arange(300), "m1": 1.0, "m2": 2.0})
    rows.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InvalidDataError, match="expected most stations at most starts"):
        read_forecast_table(tmp_path / "a.csv")


def test_no_netcdf(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError):
        read_forecast_table(tmp_path / "a.nc")
    with pytest.raises(InvalidDataError, match="expected NetCDF"):
        read_forecast_table(written(tmp_path / "a.nc", "no"))
    xr.Dataset({"x": 1}).to_netcdf(tmp_path / "b.nc")
    with pytest.raises(InvalidDataError, match="expected 'forecast' on station"):
        read_forecast_table(tmp_path / "b.nc")
