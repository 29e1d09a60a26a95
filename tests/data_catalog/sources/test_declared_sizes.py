"""A file of a few kilobytes that declares a billion values is refused before they are asked for."""

from pathlib import Path

import netCDF4
import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.sources.declared_sizes import check_declared_sizes
from data_catalog.sources.reading import open_netcdf
from forecast.verification.baselines.files import load_baselines


def written(path: Path, length: int) -> Path:
    with netCDF4.Dataset(path, "w") as stored:
        stored.createDimension("time", length)
        stored.createDimension("latitude", 4)
        stored.createVariable("time", "f8", ("time",), zlib=True, chunksizes=(16,)).units = "hours since 2000-01-01"
        stored.createVariable("latitude", "f8", ("latitude",))[...] = [-60, -20, 20, 60]
        stored.createVariable("t2m", "f4", ("time", "latitude"), zlib=True, chunksizes=(16, 4))
    return path


def test_absurd_axes_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nc", 10**9)
    with pytest.raises(InvalidDataError, match=r"a\.nc, time: expected at most \d+ bytes .* found 8000000000 declared"):
        open_netcdf(path)
    with pytest.raises(InvalidDataError, match=r"a\.nc, time: expected at most"):
        load_baselines(path)


def test_only_what_is_read_whole_is_judged_by_all_its_axes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nc", 5 * 10**6)
    with netCDF4.Dataset(path) as stored:
        check_declared_sizes(stored, path)
        with pytest.raises(InvalidDataError, match="t2m: expected at most"):
            check_declared_sizes(stored, path, whole=True)
