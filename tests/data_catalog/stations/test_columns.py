"""Columns of anyone's tables: found by name, read as numbers, times and lead times, or refused in one line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.stations.columns import lead_times, numbers, read_columns, roles_of, times


def test_roles_are_found_by_name() -> None:
    found = roles_of(["name", "hlon", "lon", "Lat", "init_time", "leadtime", "T"])
    assert found == {
        "station": "name", "longitude": "lon", "latitude": "Lat", "init_time": "init_time", "lead_time": "leadtime",
    }  # fmt: skip
    assert roles_of(["stationName", "stationID"])["station"] == "stationID"


def test_times_of_several_spellings() -> None:
    table = pd.DataFrame({"a": ["2020-01-31", "20200131", "2020-01-31 06:00:00", "2020-01-31T07:00+01:00"]})
    expected = np.array(["2020-01-31", "2020-01-31", "2020-01-31T06", "2020-01-31T06"], "datetime64[ns]")
    assert (times(table, "a", "x") == expected).all()


def test_lead_times_are_hours() -> None:
    found = lead_times(pd.DataFrame({"a": ["01", "24h", "1.5"]}), "a", "x")
    assert found.tolist() == np.array([60, 1440, 90], "timedelta64[m]").astype("timedelta64[ns]").tolist()


@pytest.mark.parametrize(
    ("read", "cells", "message"),
    [
        (numbers, ["1", "x"], "x: expected a number in row 2 of 'a', found 'x'"),
        (numbers, ["inf"], "x: expected a number in row 1 of 'a', found 'inf'"),
        (times, ["2020-01-01", "soon"], "x: expected an ISO time in row 2 of 'a', found 'soon'"),
        (lead_times, ["1 day"], "x: expected hours in 'a', found '1 day'"),
    ],
)
def test_wrong_cells_are_named(read: object, cells: list[str], message: str) -> None:
    with pytest.raises(InvalidDataError) as raised:
        read(pd.DataFrame({"a": cells}), "a", "x")  # type: ignore[operator]
    assert str(raised.value) == message


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="expected a file, found none"):
        read_columns(tmp_path / "a.csv")
    for name, content in (("empty.csv", b""), ("bytes.csv", b"\x00\xff\xfe\x80"), ("cut.csv.gz", b"\x1f\x8b\x08\x00")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidDataError, match=r"^table [^\n]*: expected [^\n]*$"):
            read_columns(tmp_path / name)
    with pytest.raises(InvalidDataError, match="found no regular one"):
        read_columns(tmp_path)
