"""Chunks have about a megabyte, and a damaged one is an error."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.storage import MemoryStore

from data_catalog.archive.chunks import chunk_name, decode, decode_as, encode, times_per_block
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]


def test_blocks_are_about_a_megabyte() -> None:
    assert times_per_block(32 * 64) == 128
    assert times_per_block(17 * 33) == 256
    assert times_per_block(721 * 1440) == 1


@pytest.mark.parametrize("damage", ["delete", "truncate", "flip", "empty"])
def test_a_damaged_chunk_is_an_error_for_its_times_only(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, damage: str
) -> None:
    analysis = make_analysis(times=20)
    ingest(entry, analysis, archive)
    chunk = archive / "t2m" / "c.1.0.0"
    content = bytearray(chunk.read_bytes())
    if damage == "delete":
        chunk.unlink()
    elif damage == "flip":
        content[len(content) // 2] ^= 4
        chunk.write_bytes(content)
    else:
        chunk.write_bytes(content[: -len(content) // 3] if damage == "truncate" else b"")
    found = open_archive(archive)
    xr.testing.assert_equal(found.isel(time=slice(0, 8)).compute(), analysis.isel(time=slice(0, 8)))
    xr.testing.assert_equal(found["msl"].compute(), analysis["msl"])
    with pytest.raises(
        InvalidDataError,
        match=r"tiny\.zarr/t2m/c\.1\.0\.0: t2m at 2001-01-09T00:00:00 to 2001-01-16T00:00:00: expected .*, found",
    ):
        found["t2m"].sel(time="2001-01-11").compute()
    state = inspect_archive(archive, deep=True)
    assert len(state.faults) == 1
    assert "t2m at 2001-01-09T00:00:00 to 2001-01-16T00:00:00" in state.faults[0]
    assert not state.sound
    assert inspect_archive(archive).sound == (damage == "flip")  # whose size is right

    with pytest.raises(InvalidDataError, match="to repair it, ingest all of 2001-01-09 to 2001-01-16"):
        ingest(entry, analysis.isel(time=slice(10, 20)), archive)
    summary = ingest(entry, analysis, archive)
    assert (summary.mended, summary.added) == (1, 0)
    assert inspect_archive(archive, deep=True).sound
    xr.testing.assert_equal(open_archive(archive).compute(), analysis)


def test_a_chunk_decodes_to_what_was_encoded() -> None:
    values = np.random.default_rng(0).random((2, 3, 4)).astype(np.float32)
    content = encode(values)
    assert decode(content, values.shape).tobytes() == values.tobytes()
    assert encode(values) == content
    with pytest.raises(ValueError, match=r"checksum|crc32c"):
        decode(content[:-1] + bytes([content[-1] ^ 1]), values.shape)
    assert (chunk_name(3, 7), chunk_name(2)) == ("c.7.0.0", "c.0.0")


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<i8"])
@pytest.mark.parametrize("shape", [(3,), (7, 50, 60)])
def test_chunks_have_the_bytes_that_zarr_itself_writes(dtype: str, shape: tuple[int, ...]) -> None:
    values = np.cumsum(np.random.default_rng(0).normal(size=shape), axis=-1).astype(dtype)
    store: dict[str, Any] = {}
    compressors = [BloscCodec(cname="zstd", clevel=3, shuffle="shuffle", typesize=values.itemsize), Crc32cCodec()]
    array = zarr.create_array(
        MemoryStore(store), shape=shape, chunks=shape, dtype=dtype, filters=None, compressors=compressors,
        config={"write_empty_chunks": True},
    )  # fmt: skip
    array[...] = values
    (chunk,) = (content for name, content in store.items() if name != "zarr.json")
    assert encode(values) == bytes(chunk.to_bytes())


@pytest.mark.parametrize("kind", [zlib.error, RuntimeError, TypeError, struct.error, KeyError])
def test_the_error_of_any_codec_is_a_value_error(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    content = encode(np.arange(3))
    monkeypatch.setattr("numcodecs.blosc.decompress", Mock(side_effect=kind("broken")))
    with pytest.raises(ValueError, match=rf"chunk of {len(content)} bytes: expected <i8 of shape \(3,\): .*broken"):
        decode_as(content, (3,), "<i8")


@pytest.mark.parametrize("end", [0, 1, 4, 20, -5])
def test_what_is_left_of_a_chunk_is_a_value_error(end: int) -> None:
    content = encode(np.random.default_rng(0).random((2, 3)).astype(np.float32))[:end]
    with pytest.raises(ValueError, match=f"chunk of {len(content)} bytes"):
        decode(content, (2, 3))
