"""References of kerchunk in JSON, as they should be and as anyone may write them."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.sources.reference_files import read_references

GROUP = {".zgroup": '{"zarr_format": 2}'}


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_both_versions_are_read(tmp_path: Path) -> None:
    refs = {**GROUP, "a/.zarray": {"shape": [1]}, "a/0": ["{{u}}/x {{ u }}", 1, 2], "a/1": ["x"], "a/2": "inline"}
    found = read_references(written(tmp_path / "a.json", {"version": 1, "templates": {"u": "s3://b"}, "refs": refs}))
    assert found == {
        **GROUP, "a/.zarray": '{"shape": [1]}', "a/0": ["s3://b/x s3://b", 1, 2], "a/1": ["x"], "a/2": "inline",
    }  # fmt: skip
    assert read_references(written(tmp_path / "b.json", {**GROUP, "a/1": ["x", 0, 5]})) == {**GROUP, "a/1": ["x", 0, 5]}


@pytest.mark.parametrize(
    "content",
    [
        "<html>",
        [1],
        {},
        {"refs": {"a": 1}},
        {"version": 1},
        {"version": 1, "refs": GROUP, "gen": [{"key": "a/{{i}}", "url": "{{u}}", "dimensions": {"i": {"stop": 9**9}}}]},
        {"version": 1, "refs": GROUP, "templates": {"u": "{{ ''.__class__ }}"}},
        {"version": 1, "refs": GROUP, "templates": {"u": "x" * 5000}},
        {"version": 1, "refs": GROUP, "templates": [1]},
        {**GROUP, "a/0": ["{{u}}/x", 1, 2]},
        {**GROUP, "a/0": ["x", 1]},
        {**GROUP, "a/0": ["x", 1.5, 2]},
        {**GROUP, "a/0": [5]},
        {**GROUP, "a/0": 7},
        "[" * 100000,
    ],
)
def test_what_are_no_references_is_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(InvalidDataError, match=r"a\.json: expected references "):
        read_references(written(tmp_path / "a.json", content))


def test_programs_in_a_url_are_not_run(tmp_path: Path) -> None:
    refs = {**GROUP, "a/0": ["{{ u.__class__ }}", 0, 1]}
    found = read_references(written(tmp_path / "a.json", {"version": 1, "templates": {"u": "x"}, "refs": refs}))
    assert found["a/0"] == ["{{ u.__class__ }}", 0, 1]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.sources.reference_files._MOST_BYTES", 10)
    with pytest.raises(InvalidDataError, match="expected references of at most 10 bytes, found 35"):
        read_references(written(tmp_path / "a.json", GROUP))
