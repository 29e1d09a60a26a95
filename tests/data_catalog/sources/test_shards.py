"""Shards of Zarr 3: what their index leaves out is read as the fill value only where that can be weather."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.abc.store import RangeByteRequest, SuffixByteRequest
from zarr.codecs import BytesCodec, ShardingCodec

from data_catalog.errors import InvalidDataError
from data_catalog.sources.files import open_files
from data_catalog.sources.shards import Shards, asks_for_absent
from data_catalog.sources.zarr_stores import AbsentChunkError, open_complete

NAMES = ["latitude", "longitude"]
EVERYWHERE, CUT = np.s_[:], np.s_[2:5, 4:]


def sharded(path: Path, name: str, *, index_at: str = "end") -> NDArray[np.float32]:
    """Two shards along latitude, the last of them cut off by the array, with a chunk of zeros that is left out."""
    values = np.arange(1, 43, dtype=np.float32).reshape(7, 6)
    values[2:4, 3:] = 0
    shards: Any = {"shape": (4, 6), "index_location": index_at}
    group = zarr.open_group(path, mode="w", zarr_format=3)
    array = group.create_array(
        name, shape=(7, 6), dtype="f4", chunks=(2, 3), shards=shards, fill_value=0, dimension_names=NAMES
    )  # fmt: skip
    array[:] = values
    return values


@pytest.mark.parametrize("index_at", ["start", "end"])
@pytest.mark.parametrize("part", [EVERYWHERE, np.s_[:4], CUT, np.s_[3, 5]])
def test_a_chunk_that_a_shard_leaves_out_is_an_error(tmp_path: Path, index_at: str, part: Any) -> None:
    sharded(tmp_path / "a.zarr", "u10", index_at=index_at)
    found = open_complete(tmp_path / "a.zarr")["u10"]
    with pytest.raises(AbsentChunkError, match=r"no chunk for a part of shard u10/c/0/0 .*write_empty_chunks=True"):
        _ = found[part].values


@pytest.mark.parametrize("index_at", ["start", "end"])
def test_all_that_a_shard_has_is_read(tmp_path: Path, index_at: str) -> None:
    values = sharded(tmp_path / "a.zarr", "u10", index_at=index_at)
    found = open_complete(tmp_path / "a.zarr")["u10"]
    for part in (np.s_[4:], np.s_[:, :3], np.s_[:2], np.s_[6:, 4:]):
        np.testing.assert_array_equal(found[part].values, values[part])


def test_a_shard_without_precipitation_is_believed_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    values = sharded(tmp_path / "a.zarr", "tp24")
    found = open_complete(tmp_path / "a.zarr")["tp24"]
    for part in (CUT, EVERYWHERE):
        np.testing.assert_array_equal(found[part].values, values[part])
    assert len(caplog.messages) == 1
    assert "tp24: chunks that are not there, first tp24/c/0/0, count as 0" in caplog.text


def test_an_analysis_names_the_time(tmp_path: Path) -> None:
    """A temperature of 0 degrees Celsius everywhere would pass every other check."""
    times = np.datetime64("2020-01-01", "ns") + np.arange(16) * np.timedelta64(3, "h")
    values = np.full((16, 8, 16), 7.0, np.float32)
    values[8:, :4, :4] = 0
    places = {"time": times, "latitude": np.linspace(60, 46, 8), "longitude": np.arange(16.0)}
    dataset = xr.Dataset({"t2m": (("time", "latitude", "longitude"), values, {"units": "degC"})}, places)
    encoding = {"chunks": (8, 4, 4), "shards": (16, 8, 16), "fill_value": 0.0, "_FillValue": np.float32(np.nan)}
    dataset.to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False, encoding={"t2m": encoding})
    found = open_files(str(tmp_path / "a.zarr"), ["t2m"])
    with pytest.raises(InvalidDataError, match=r"t2m at 2020-01-0\d.* no chunk for a part of shard t2m/c/0/0/0"):
        found["t2m"].load()


def test_a_damaged_index_is_an_error(tmp_path: Path) -> None:
    sharded(tmp_path / "a.zarr", "u10")
    shard = tmp_path / "a.zarr" / "u10" / "c" / "1" / "0"
    content = bytearray(shard.read_bytes())
    content[-20] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ValueError, match="checksum"):
        _ = open_complete(tmp_path / "a.zarr")["u10"][4:, :2].values


def test_chunks_beside_the_array_are_not_missed(tmp_path: Path) -> None:
    sharded(tmp_path / "a.zarr", "u10")
    shards = Shards.of(zarr.open_array(tmp_path / "a.zarr" / "u10", mode="r"))
    assert shards is not None
    assert (shards.chunks_per_shard, shards.index_bytes) == ((2, 2), 68)
    assert shards.is_index(SuffixByteRequest(68))
    assert not shards.is_index(RangeByteRequest(0, 68))
    nothing = b"\xff" * 68
    assert shards.absent("u10/c/0/0", nothing).tolist() == [0, 1, 2, 3]
    small = Shards((5, 6), (4, 6), (2, 3), True)
    assert small.absent("u10/c/1/0", nothing).tolist() == [0, 1]


def test_an_index_of_other_bytes_than_its_checksum_says_is_left_to_zarr() -> None:
    shards = Shards((4, 6), (4, 6), (2, 3), True)
    assert shards.marked("u10/c/0/0", b"\xff" * 68) == b"\xff" * 68
    assert not asks_for_absent(None)
    assert not asks_for_absent(RangeByteRequest(0, 68))


def test_shards_that_are_written_otherwise_are_refused(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    codec = ShardingCodec(chunk_shape=(2, 3), index_codecs=[BytesCodec(endian="little")])
    assert Shards.of(group.create_array("u10", shape=(4, 6), dtype="f4", dimension_names=NAMES)) is None
    odd: Any = {"shape": (4, 6), "chunks": (4, 6), "dtype": "f4", "codecs": [codec], "dimension_names": NAMES}
    zarr.create(store=tmp_path / "a.zarr", path="v10", zarr_format=3, **odd)
    with pytest.raises(
        InvalidDataError, match=r"a\.zarr: expected a Zarr group, found shards of v10 with other codecs"
    ):
        open_complete(tmp_path / "a.zarr")
