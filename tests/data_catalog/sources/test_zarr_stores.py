"""Zarr groups, whose chunks must all exist."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import InvalidDataError
from data_catalog.sources.zarr_stores import AbsentChunkError, open_complete

MakeAnalysis = Callable[..., xr.Dataset]
CHANNELS, STATIC = ("msl", "t2m"), ("lsm",)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
def test_a_zarr_group_is_read_lazily(make_analysis: MakeAnalysis, tmp_path: Path, zarr_format: int) -> None:
    analysis = make_analysis()
    analysis.chunk({"time": 6}).to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, consolidated=zarr_format == 2)
    (tmp_path / "a.zarr" / "note.json").write_text("{}")
    found = open_analysis(tmp_path / "a.zarr", CHANNELS, STATIC)
    xr.testing.assert_identical(found.compute(), analysis)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
def test_arrays_in_groups_of_a_group_are_refused_with_a_way_out(
    make_analysis: MakeAnalysis, tmp_path: Path, zarr_format: int
) -> None:
    analysis = make_analysis()
    for group in ("surface", "aloft"):
        analysis.to_zarr(tmp_path / "a.zarr", group=group, mode="a", zarr_format=zarr_format)
    with pytest.raises(InvalidDataError, match=r"found groups aloft, surface; name the group: .*/a\.zarr/aloft"):
        open_complete(tmp_path / "a.zarr")
    xr.testing.assert_identical(open_analysis(tmp_path / "a.zarr" / "aloft", CHANNELS, STATIC).compute(), analysis)


def test_an_absent_zarr_chunk_is_an_error_and_not_nan(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    make_analysis().chunk({"time": 5}).to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
    (tmp_path / "a.zarr" / "t2m" / "c" / "2" / "0" / "0").unlink()
    found = open_analysis(tmp_path / "a.zarr", CHANNELS, STATIC)
    assert np.isfinite(found["msl"].values).all()
    with pytest.raises(InvalidDataError, match=r"a\.zarr: t2m at 2001-01-.* no chunk t2m/c/2/0/0"):
        found["t2m"].compute()


def sparse(path: Path, name: str, *, zarr_format: int, fill: float, **attributes: object) -> np.ndarray:
    """A store as zarr-python writes it: chunks of nothing but the fill value are left out. Returns what was written."""
    values = np.zeros((4, 6), "f4")
    values[0, 1], values[2:] = 3.0, 5.0
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    names = {"dimension_names": ["latitude", "longitude"]} if zarr_format > 2 else {}
    array = group.create_array(name, shape=(4, 6), dtype="f4", chunks=(2, 3), fill_value=fill, **names)
    array.attrs.update({"_ARRAY_DIMENSIONS": ["latitude", "longitude"], **attributes} if not names else attributes)
    array[:] = values
    return values


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_absent_chunks_of_no_precipitation_are_believed_and_said(
    tmp_path: Path, zarr_format: int, caplog: pytest.LogCaptureFixture
) -> None:
    values = sparse(tmp_path / "a.zarr", "tp24", zarr_format=zarr_format, fill=0.0)
    found = open_complete(tmp_path / "a.zarr")["tp24"]
    np.testing.assert_array_equal(found.values, values)
    np.testing.assert_array_equal(found.values, values)
    assert len(caplog.messages) == 1
    assert "a.zarr: tp24: chunks that are not there, first tp24/" in caplog.text


def test_absent_chunks_of_a_wind_of_zero_are_not_believed(tmp_path: Path) -> None:
    sparse(tmp_path / "a.zarr", "u10", zarr_format=3, fill=0.0)
    found = open_complete(tmp_path / "a.zarr")["u10"]
    with pytest.raises(AbsentChunkError, match=r"no chunk u10/c/0/1 .*fill value 0, write .* write_empty_chunks=True"):
        _ = found.values


@pytest.mark.parametrize(("fill", "attributes"), [(np.nan, {}), (0.0, {"_FillValue": "AAAAAAAAAAA="})])
def test_absent_chunks_of_a_declared_fill_value_are_not_believed(
    tmp_path: Path, fill: float, attributes: dict[str, object]
) -> None:
    sparse(tmp_path / "a.zarr", "tp24", zarr_format=3, fill=fill, **attributes)
    chunk = tmp_path / "a.zarr" / "tp24" / "c" / "0" / "1"
    chunk.unlink(missing_ok=True)
    found = open_complete(tmp_path / "a.zarr")["tp24"]
    with pytest.raises(AbsentChunkError, match=r"no chunk tp24/c/0/1 in the store$"):
        _ = found.values
