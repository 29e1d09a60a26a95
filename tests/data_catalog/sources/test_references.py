"""Zarr stores by reference: chunks in one other file, inline or by template, at a URL or on disk."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from zarr.core.buffer import default_buffer_prototype

from data_catalog.catalog import read_dataset
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.files import open_files
from data_catalog.sources.open_source import open_source
from data_catalog.sources.references import are_references, reference_store
from data_catalog.sources.zarr_stores import open_complete
from tests.data_catalog.conftest import MakeAnalysis
from tests.data_catalog.sources.grib.serving import Served, serving


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> xr.Dataset:
    return make_analysis(channels=("t2m", "msl"), static=(), times=6)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: iter([0.01] * 100))
    with serving(tmp_path) as found:
        yield found


def _references(analysis: xr.Dataset, folder: Path, url: str) -> dict[str, Any]:
    """Put the chunks of a store one after another into a file; refer to each, but keep small objects inline."""
    encoding = {name: {"chunks": (2, 4, 8)} for name in analysis.data_vars}
    analysis.to_zarr(folder / "store", zarr_format=2, consolidated=False, encoding=encoding)
    blob, found = b"", dict[str, Any]()
    for path in sorted(file for file in (folder / "store").rglob("*") if file.is_file()):
        key, content = str(path.relative_to(folder / "store")), path.read_bytes()
        if path.name.startswith("."):
            found[key] = content.decode()
        elif key.startswith(("t2m/", "msl/")):
            found[key] = [url, len(blob), len(content)]
            blob += content
        else:
            found[key] = "base64:" + base64.b64encode(content).decode()
    (folder / "chunks.bin").write_bytes(blob)
    return found


def test_what_references_are() -> None:
    names = ["a.json", Path("b/era5.parq"), "s3://a/b.parquet/"]
    assert all(map(are_references, names))
    assert not any(map(are_references, ["a.zarr", Path("a.nc")]))


def test_chunks_at_a_url_are_read_by_reference(served: Served, analysis: xr.Dataset) -> None:
    chunks = _references(analysis, served.root, "{{u}}/chunks.bin")
    (served.root / "a.json").write_text(json.dumps({"version": 1, "templates": {"u": served.url}, "refs": chunks}))
    opened = open_files(f"{served.url}/a.json", ["t2m", "msl"])
    served.ranges.clear()
    xr.testing.assert_equal(opened[["t2m"]].load(), analysis[["t2m"]])
    wanted = {("chunks.bin", *reference[1:]) for key, reference in chunks.items() if key.startswith("t2m/0") or
              key.startswith(("t2m/1", "t2m/2"))}  # fmt: skip
    assert set(served.ranges) == wanted
    assert len(wanted) == 3


def test_faults_are_survived_and_a_chunk_that_is_not_there_is_named(served: Served, analysis: xr.Dataset) -> None:
    chunks = _references(analysis, served.root, f"{served.url}/chunks.bin")
    (served.root / "a.json").write_text(json.dumps(chunks))
    opened = open_files(f"{served.url}/a.json", ["t2m", "msl"])
    served.faults = [503, 404, b"<html>"]
    xr.testing.assert_equal(opened[["t2m"]].load(), analysis[["t2m"]])
    assert not served.faults
    del chunks["msl/1.0.0"]
    (served.root / "b.json").write_text(json.dumps(chunks))
    with pytest.raises(
        InvalidDataError, match=r"b\.json: msl at 2001-01-01.*: expected readable values, found no chunk msl/1"
    ):
        open_files(f"{served.url}/b.json", ["msl"]).load()


def test_files_on_disk(tmp_path: Path, analysis: xr.Dataset) -> None:
    chunks = _references(analysis, tmp_path, "chunks.bin")
    (tmp_path / "a.json").write_text(json.dumps({"version": 1, "refs": chunks}))
    xr.testing.assert_equal(open_files(tmp_path / "a.json", ["t2m", "msl"]).load(), analysis)
    chunks["t2m/0.0.0"] = ["chunks.bin", 10**6, 10]
    (tmp_path / "b.json").write_text(json.dumps({"version": 1, "refs": chunks}))
    with pytest.raises(InvalidDataError, match=r"t2m/0\.0\.0: expected 10 bytes that a reference names, found 0"):
        open_files(tmp_path / "b.json", ["t2m"]).load()


def _write_parquet(chunks: dict[str, Any], folder: Path) -> None:
    """References in kerchunk's layout: the metadata together, and for each array files of two chunks each."""
    metadata = {key: json.loads(text) for key, text in chunks.items() if key.rpartition("/")[2].startswith(".")}
    folder.mkdir()
    (folder / ".zmetadata").write_text(json.dumps({"metadata": metadata, "record_size": 2}))
    for name in {key.partition("/")[0] for key in chunks if "/" in key}:
        keys = sorted(key for key in chunks if key.startswith(f"{name}/") and key not in metadata)
        rows = [chunks[key] if isinstance(chunks[key], list) else (None, 0, 0, chunks[key]) for key in keys]
        (folder / name).mkdir()
        for record in range(0, len(rows), 2):
            table = pd.DataFrame([[*row, None][:4] for row in rows[record : record + 2]])
            table.columns = pd.Index(["path", "offset", "size", "raw"])
            table["raw"] = [None if text is None else base64.b64decode(text[7:]) for text in table["raw"]]
            table.to_parquet(folder / name / f"refs.{record // 2}.parq", engine="pyarrow")


def test_references_in_parquet(served: Served, analysis: xr.Dataset) -> None:
    chunks = _references(analysis, served.root, f"{served.url}/chunks.bin")
    _write_parquet(chunks, served.root / "a.parq")
    for place in (served.root / "a.parq", f"{served.url}/a.parq"):
        xr.testing.assert_equal(open_files(place, ["t2m", "msl"]).load(), analysis)


@pytest.mark.parametrize("name", ["{secret}", "file://{secret}", "../secret.bin", "a/../../secret.bin", "link"])
def test_references_read_no_files_outside_of_their_folder(served: Served, analysis: xr.Dataset, name: str) -> None:
    folder = served.root / "data"
    folder.mkdir()
    secret = served.root / "secret.bin"
    secret.write_bytes(bytes(10**4))
    (folder / "link").symlink_to(secret)
    chunks = _references(analysis, folder, "chunks.bin")
    chunks["t2m/0.0.0"] = [name.format(secret=secret), 0, 100]
    (folder / "a.json").write_text(json.dumps(chunks))
    with pytest.raises(InvalidDataError, match=r"a\.json: t2m/0\.0\.0: expected a reference to a file in .*, found "):
        open_files(folder / "a.json", ["t2m"]).load()
    if name != "link":  # a name like any other on a server
        with pytest.raises(InvalidDataError, match=r"t2m/0\.0\.0: expected a reference to a plain URL below http"):
            open_files(f"{served.url}/data/a.json", ["t2m"]).load()


def test_places_that_a_dataset_file_names_are_read(tmp_path: Path, analysis: xr.Dataset) -> None:
    (tmp_path / "here").mkdir()
    chunks = _references(analysis, tmp_path, str(tmp_path / "chunks.bin"))
    (tmp_path / "here" / "a.json").write_text(json.dumps(chunks))
    with pytest.raises(InvalidDataError, match="name its folder as chunks_below in a dataset file"):
        open_files(tmp_path / "here" / "a.json", ["t2m"]).load()
    text = """
name = "mine"
title = "x"
source = "files"
location = "here/a.json"
chunks_below = ["../%s"]
channels = ["t2m", "msl"]
step_hours = 24
period_start = 2001-01-01
licence = "CC0"
description = "x"
"""
    (tmp_path / "mine.toml").write_text(text % tmp_path.name)
    entry = read_dataset(tmp_path / "mine.toml")
    xr.testing.assert_equal(open_source(entry).load(), analysis)


@pytest.mark.parametrize("host", ["http://127.0.0.1:1", "http://127.0.0.1.example.org", "s3://bucket", "ftp://a"])
def test_references_from_afar_stay_at_their_host(served: Served, analysis: xr.Dataset, host: str) -> None:
    (served.root / "a.json").write_text(json.dumps(_references(analysis, served.root, f"{host}/chunks.bin")))
    with pytest.raises(InvalidDataError, match="expected a reference to a plain URL below http://127"):
        open_files(f"{served.url}/a.json", ["t2m"]).load()


def test_relative_references_from_afar_start_from_their_folder(served: Served, analysis: xr.Dataset) -> None:
    (served.root / "a.json").write_text(json.dumps(_references(analysis, served.root, "chunks.bin")))
    xr.testing.assert_equal(open_files(f"{served.url}/a.json", ["t2m", "msl"]).load(), analysis)


def test_sizes_are_bounded(tmp_path: Path, analysis: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = _references(analysis, tmp_path, "chunks.bin")
    for wrong in ([0, 2**40], [-1, 5], [0, -5]):
        (tmp_path / "a.json").write_text(json.dumps(chunks | {"t2m/0.0.0": ["chunks.bin", *wrong]}))
        with pytest.raises(InvalidDataError, match=r"expected a part of a file of at most 4294967296 bytes, found "):
            open_files(tmp_path / "a.json", ["t2m"]).load()
    monkeypatch.setattr("data_catalog.sources.references._MOST_INLINE_BYTES", 1000)
    (tmp_path / "a.json").write_text(json.dumps(chunks | {"t2m/0.0.0": "x" * 1001}))
    with pytest.raises(
        InvalidDataError, match=r"t2m/0\.0\.0: expected at most 1000 bytes within references, found 1001"
    ):
        open_files(tmp_path / "a.json", ["t2m"]).load()


def test_a_folder_of_parquet_is_not_left(tmp_path: Path, analysis: xr.Dataset) -> None:
    _write_parquet(_references(analysis, tmp_path, "chunks.bin"), tmp_path / "a.parq")
    (tmp_path / "a.parq").rename(tmp_path / "b")
    (tmp_path / "a.parq").mkdir()
    metadata = json.loads((tmp_path / "b" / ".zmetadata").read_text())
    metadata["metadata"] = {key.replace("t2m/", "../b/t2m/"): value for key, value in metadata["metadata"].items()}
    (tmp_path / "a.parq" / ".zmetadata").write_text(json.dumps(metadata))
    store = reference_store(tmp_path / "a.parq")
    with pytest.raises(InvalidDataError, match=r"a\.parq: expected references of arrays below it, found '\.\./b/t2m"):
        asyncio.run(store.get("../b/t2m/0.0.0", default_buffer_prototype()))


def test_without_pyarrow_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "a.parq").mkdir()
    with pytest.raises(ConfigurationError, match=r"expected pyarrow .*pip install 'plumecast\[parquet\]'"):
        open_complete(tmp_path / "a.parq")


def test_values_are_those_of_numpy(tmp_path: Path, analysis: xr.Dataset) -> None:
    (tmp_path / "a.json").write_text(json.dumps(_references(analysis, tmp_path, "chunks.bin")))
    found = open_complete(tmp_path / "a.json")["t2m"].isel(time=slice(1, 3)).values
    np.testing.assert_array_equal(found, analysis["t2m"].values[1:3])
