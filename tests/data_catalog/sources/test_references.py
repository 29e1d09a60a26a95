"""Zarr stores by reference: chunks in one other file, inline or by template, at a URL or on disk."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.files import open_files
from data_catalog.sources.references import are_references
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


@pytest.mark.parametrize(
    "content", ["<html>", "[1]", "{}", '{"version": 1, "refs": {".zgroup": "{}"}, "gen": [{"k": 1}]}']
)
def test_what_are_no_references_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InvalidDataError, match=r"a\.json: expected references"):
        open_complete(tmp_path / "a.json")


def test_references_from_afar_name_no_files_here(served: Served, analysis: xr.Dataset) -> None:
    (served.root / "a.json").write_text(json.dumps(_references(analysis, served.root, "/etc/hostname")))
    with pytest.raises(InvalidDataError, match="expected a reference to a URL, found a path"):
        open_files(f"{served.url}/a.json", ["t2m"]).load()


def test_without_pyarrow_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "a.parq").mkdir()
    with pytest.raises(ConfigurationError, match=r"expected pyarrow .*pip install 'plumecast\[parquet\]'"):
        open_complete(tmp_path / "a.parq")


def test_values_are_those_of_numpy(tmp_path: Path, analysis: xr.Dataset) -> None:
    (tmp_path / "a.json").write_text(json.dumps(_references(analysis, tmp_path, "chunks.bin")))
    found = open_complete(tmp_path / "a.json")["t2m"].isel(time=slice(1, 3)).values
    np.testing.assert_array_equal(found, analysis["t2m"].values[1:3])
