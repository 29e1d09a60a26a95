"""Files as the Climate Data Store sends and has sent them: NetCDF of both kinds, GRIB, zips, and damaged ones."""

import errno
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import FullDiskError, InvalidDataError
from data_catalog.sources.cds import results
from data_catalog.sources.cds.results import files_of, open_results, preliminary_times
from data_catalog.sources.files import combine
from tests.data_catalog.sources.cds.replica import LOCAL, zipped
from tests.data_catalog.sources.grib.writing import message

TIMES = np.array(["2020-07-30", "2020-07-31", "2020-08-01"], "datetime64[ns]")
ROWS, COLUMNS = np.array([50.0, 45.0, 40.0]), np.array([0.0, 5.0, 10.0, 15.0])
VALUES = np.random.default_rng(0).normal(280, 5, (3, 3, 4)).astype(np.float32)
PLACES = {"latitude": ("latitude", ROWS, {"units": "degrees_north"}),
          "longitude": ("longitude", COLUMNS, {"units": "degrees_east"})}  # fmt: skip


def new_netcdf(path: Path, releases: list[str], name: str = "t2m", **attributes: str) -> Path:
    """As the store writes since 2024: `valid_time`, scalar `number`, `expver` as text of each time."""
    field = (("valid_time", "latitude", "longitude"), VALUES, {"units": "K", **attributes})
    coordinates = {"valid_time": TIMES, "number": 0, "expver": ("valid_time", np.array(releases, "<U4")), **PLACES}
    xr.Dataset({name: field}, coordinates).to_netcdf(path)
    return path


def old_netcdf(path: Path) -> Path:
    """As it wrote before: `expver` as a dimension, where each value stands in one release."""
    both = np.full((3, 2, 3, 4), np.nan, np.float32)
    both[:2, 0], both[2:, 1] = VALUES[:2], VALUES[2:]
    packed = {"t2m": {"dtype": "int16", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32767}}
    fields = {"t2m": (("time", "expver", "latitude", "longitude"), both, {"units": "K"})}
    xr.Dataset(fields, {"time": TIMES, "expver": [1, 5], **PLACES}).to_netcdf(path, encoding=packed)
    return path


@pytest.mark.parametrize("kind", ["new", "old"])
def test_the_release_of_each_time_is_read_from_netcdf(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.data"
    if kind == "new":
        new_netcdf(path, ["0001", "0001", "0005"])
    else:
        old_netcdf(path)
    assert preliminary_times(path).tolist() == TIMES[2:].tolist()
    found = combine(open_results(path, ensemble=False), ["t2m"], [], "x")
    np.testing.assert_allclose(found["t2m"], VALUES[:, ::-1], atol=0.01)


def test_a_file_of_one_release_or_of_none(tmp_path: Path) -> None:
    assert preliminary_times(new_netcdf(tmp_path / "a.data", ["0001"] * 3)).size == 0
    dataset = xr.open_dataset(tmp_path / "a.data").load()
    dataset.drop_vars("expver").to_netcdf(tmp_path / "b.data")
    assert preliminary_times(tmp_path / "b.data").size == 0
    dataset.drop_vars("expver").assign_coords(expver="0005").to_netcdf(tmp_path / "c.data")
    assert preliminary_times(tmp_path / "c.data").tolist() == TIMES.tolist()


@pytest.mark.parametrize("release", ["0079", ""])
def test_a_release_that_is_not_known_is_refused(tmp_path: Path, release: str) -> None:
    with pytest.raises(InvalidDataError, match=r"expected expver 0001 .* or 0005 .*, found"):
        preliminary_times(new_netcdf(tmp_path / "a.data", ["0001", release, "0005"]))
    (tmp_path / "b.data").write_bytes(message("2t", edition=1, **LOCAL, expver="0079"))
    with pytest.raises(InvalidDataError, match=r"expected expver 0001 .* or 0005 .*, found '0079'"):
        preliminary_times(tmp_path / "b.data")


def test_files_of_a_zip_are_read_together(tmp_path: Path) -> None:
    one = new_netcdf(tmp_path / "1.nc", ["0001", "0001", "0005"]).read_bytes()
    two = new_netcdf(tmp_path / "2.nc", ["0001", "0001", "0005"], name="d2m").read_bytes()
    names = {"data_stream-oper_stepType-instant.nc": one, "../../data_stream-oper_stepType-max.nc": two}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.data").write_bytes(zipped(names))
    before = set(tmp_path.iterdir())
    found = combine(open_results(tmp_path / "in" / "a.data", ensemble=False), ["t2m", "d2m"], [], "x")
    np.testing.assert_allclose(found["d2m"], VALUES[:, ::-1], atol=1e-4)
    assert preliminary_times(tmp_path / "in" / "a.data").tolist() == TIMES[2:].tolist()
    assert set(tmp_path.iterdir()) == before
    assert [path.name for path in files_of(tmp_path / "in" / "a.data")] == ["00", "01"]


def test_a_zip_that_is_damaged_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).bytes(200)
    content = zipped({"a.nc": bytes(10**6 - 199), "b.nc": noise})
    path = tmp_path / "a.data"
    for damaged in (content[:-30], content.replace(noise[9:19], bytes(10)), content[:60] + b"\xff" * 9 + content[69:]):
        path.write_bytes(damaged)
        with pytest.raises(InvalidDataError, match=r"a\.data: expected "):
            files_of(path)
    path.write_bytes(zipped({}).replace(b"PK\x05\x06", b"PK\x03\x04PK\x05\x06"))
    with pytest.raises(InvalidDataError, match="expected "):
        files_of(path)
    path.write_bytes(content)
    monkeypatch.setattr(results, "_MOST_BYTES", 10**6)
    with pytest.raises(InvalidDataError, match="expected 1 to 64 files of at most 1000000 bytes, found 2 of 1000001"):
        files_of(path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.data"]


def test_a_full_disk_is_no_fault_of_the_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "result"
    path.write_bytes(zipped({"a.nc": b"content"}))
    monkeypatch.setattr(results, "_unpack", full)
    with pytest.raises(FullDiskError, match="expected room on the disk of"):
        files_of(path)


def test_what_is_none_of_these_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.data").write_bytes(b"<html>")
    with pytest.raises(InvalidDataError, match=r"a\.data: expected NetCDF, GRIB or Zarr, found neither"):
        open_results(tmp_path / "a.data", ensemble=False)
