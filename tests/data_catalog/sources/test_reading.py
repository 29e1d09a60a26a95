"""Read errors name the file, the variable and the time."""

import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import InvalidDataError
from data_catalog.sources.files import open_files
from data_catalog.sources.reading import in_stored_chunks, netcdf_dataset, open_netcdf

MakeAnalysis = Callable[..., xr.Dataset]
CHANNELS, STATIC = ("msl", "t2m"), ("lsm",)


def test_a_truncated_file_is_refused(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    make_analysis(times=300).to_netcdf(path, engine="netcdf4")
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(InvalidDataError, match=r"a\.nc"):
        open_analysis(path, CHANNELS).compute()


@pytest.fixture
def ensemble(tmp_path: Path) -> Path:
    """A file of 4 members and 3 lead times on 2 levels, a chunk a field."""
    path = tmp_path / "ensemble.nc"
    values = np.random.default_rng(0).normal(size=(4, 3, 2, 16, 32))
    leads = np.arange(1, 4) * np.timedelta64(24, "h").astype("timedelta64[ns]")
    coords = {"member": range(4), "lead_time": leads, "level": [500, 850]}
    field = xr.DataArray(values, coords, ("member", "lead_time", "level", "latitude", "longitude"), "z")
    field.to_dataset().to_netcdf(
        path, encoding={"z": {"chunksizes": (1, 1, 1, 16, 32), "zlib": True, "shuffle": False}}
    )
    return path


def test_small_chunks_of_a_local_file_are_read_together(ensemble: Path) -> None:
    with netcdf_dataset(ensemble, decode_timedelta=True) as dataset:
        read = in_stored_chunks(dataset, str(ensemble))["z"]
        assert read.chunks == ((4,), (3,), (1, 1), (16,), (32,))
        assert np.array_equal(read.values, dataset["z"].values)
        remote = in_stored_chunks(dataset, "forecast https://example.org/ensemble.zarr")["z"]
        assert remote.chunks == ((1,) * 4, (1,) * 3, (1, 1), (16,), (32,))


def test_a_damaged_chunk_among_many_is_named(ensemble: Path) -> None:
    with netcdf_dataset(ensemble, decode_timedelta=True) as dataset:
        chunk = zlib.compress(dataset["z"].sel(level=850)[2, 1].values.tobytes(), 4)
    content = ensemble.read_bytes()
    assert content.count(chunk) == 1
    ensemble.write_bytes(content.replace(chunk, bytes(len(chunk))))
    with netcdf_dataset(ensemble, decode_timedelta=True) as dataset:
        read = in_stored_chunks(dataset, "ensemble.nc")["z"]
        read.sel(level=500).compute()
        with pytest.raises(
            InvalidDataError, match=r"ensemble\.nc: z at member 2, 48 h, level 850: expected readable values"
        ):
            read.sel(level=850).compute()


@pytest.mark.parametrize(("start", "kind"), [(b"PK\x03\x04", "zip"), (b"hello", "neither")])
def test_files_of_another_kind_are_named(tmp_path: Path, start: bytes, kind: str) -> None:
    (tmp_path / "a.nc").write_bytes(start + bytes(100))
    with pytest.raises(InvalidDataError, match=rf"a\.nc: expected NetCDF, GRIB or Zarr, found .*{kind}"):
        open_files(tmp_path / "a.nc", CHANNELS)


def test_eccodes_is_never_imported(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    """Imported before pyproj it crashes the process; xarray imports it when no engine is named."""
    make_analysis().to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    code = (
        "import sys; from data_catalog.archive.analysis import open_analysis; "
        f"open_analysis({str(tmp_path / 'a.nc')!r}, ['msl']).compute(); "
        "assert not {'eccodes', 'cfgrib', 'gribapi', 'torch', 'prefect'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_file_with_texts_is_read_while_it_is_open(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    """Opening such a file a second time would end the process, without a word."""
    path = tmp_path / "texts.nc"
    text = xr.DataArray("made elsewhere")
    make_analysis(["msl"]).assign(comment=text).to_netcdf(path, engine="netcdf4")
    opened = [netcdf_dataset(path, decode_timedelta=False) for _ in range(3)]
    opened[0].close()
    assert [str(each["comment"].values) for each in opened[1:]] == ["made elsewhere"] * 2
    assert opened[1]["msl"].equals(opened[2]["msl"])


def test_a_file_that_was_replaced_is_read_anew(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    path, other = tmp_path / "analysis.nc", tmp_path / "other.nc"
    analysis = make_analysis(["msl"])
    analysis.to_netcdf(path, engine="netcdf4")
    before = open_netcdf(path)
    analysis.assign(msl=analysis["msl"] + 100.0).assign_coords(analysis.coords).to_netcdf(other, engine="netcdf4")
    other.replace(path)
    after = open_netcdf(path)
    assert float(abs(after["msl"] - before["msl"] - 100.0).max()) < 0.1
