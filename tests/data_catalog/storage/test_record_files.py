"""Append-only files of typed records."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter

from data_catalog.errors import InvalidDataError
from data_catalog.storage.chained_lines import chained_lines
from data_catalog.storage.record_files import append_record, read_records


class Weight(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    grams: float


_FORM = TypeAdapter(Weight)


def test_records_come_back_in_order(tmp_path: Path) -> None:
    path, records = tmp_path / "new" / "weights.jsonl", [Weight(name="a", grams=1), Weight(name="b", grams=2.5)]
    assert read_records(path, _FORM) == []
    for record in records:
        append_record(path, record)
    assert read_records(path, _FORM) == records


def test_a_line_cut_off_by_a_kill_is_ignored_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "weights.jsonl"
    append_record(path, Weight(name="a", grams=1))
    with path.open("ab") as file:
        file.write(b'0123 {"name": "b')
    append_record(path, Weight(name="c", grams=3))
    assert [record.name for record in read_records(path, _FORM)] == ["a", "c"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            chained_lines([{"name": "a", "grams": 1}]).replace(b"1}", b"2}"),
            r"weights.jsonl: line 1: expected .* damaged",
        ),
        (chained_lines([{"name": "a", "grams": 1}, {"name": "b"}]), r"weights.jsonl: line 2: .*grams"),
        (chained_lines([{"name": "a", "grams": 1, "more": 0}]), r"weights.jsonl: line 1: .*more"),
    ],
)
def test_what_is_no_record_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "weights.jsonl").write_bytes(content)
    with pytest.raises(InvalidDataError, match=words):
        read_records(tmp_path / "weights.jsonl", _FORM)
