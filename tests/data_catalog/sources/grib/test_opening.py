"""GRIB files are told by their content, looked through once, and nothing is written beside them."""

import os
from pathlib import Path

import numpy as np
import pytest

from data_catalog.sources.grib import opening
from data_catalog.sources.grib.opening import LocalBytes, is_grib, open_grib
from tests.data_catalog.sources.grib.writing import message, write


def test_grib_is_told_by_its_first_bytes_or_its_name(tmp_path: Path) -> None:
    assert is_grib(write(tmp_path / "a.nc", message("2t")))
    assert is_grib(write(tmp_path / "b.GRB2", b"\1\r\r\n", message("2t")))
    assert not is_grib(write(tmp_path / "c.nc", b"CDF\1"))
    assert not is_grib(write(tmp_path / "d.grib"))
    assert not is_grib(tmp_path)
    assert not is_grib(tmp_path / "absent")


def test_nothing_is_written_beside_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.grib", message("2t"))
    tmp_path.chmod(0o555)
    try:
        open_grib(path)[0].load()
    finally:
        tmp_path.chmod(0o755)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_looked_through_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    found = opening.find_fields
    monkeypatch.setattr(opening, "find_fields", lambda file, name: looked.append(name) or found(file, name))
    path = write(tmp_path / "a.grib", message("2t"))
    assert list(open_grib(path)[0]) == list(open_grib(path, forecast=True)[0]) == ["2t"]
    assert len(looked) == 1
    write(path, message("2d"))
    os.utime(path, ns=(1, 1))
    assert list(open_grib(path)[0]) == ["2d"]
    assert len(looked) == 2


def test_bytes_of_a_file(tmp_path: Path) -> None:
    source = LocalBytes(str(write(tmp_path / "a", b"0123456789")))
    assert (source.read(2, 3), source.read(8, 5), source.name) == (b"234", b"89", str(tmp_path / "a"))


def test_rows_keep_the_order_of_the_file(tmp_path: Path) -> None:
    opened = open_grib(write(tmp_path / "a.grib", message("2t")))[0]
    assert np.array_equal(opened["latitude"], [60, 50, 40, 30])
    assert opened["2t"].attrs["units"] == "K"
