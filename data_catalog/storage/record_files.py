"""Append-only files of typed records, a line each, chained by hash.

Each line is synced before the work goes on, a line cut off by a kill is ignored, and one process writes at a time.
"""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import append_durably, create_durably, disk_errors
from data_catalog.storage.chained_lines import CHAINED, Lines, chained_line, read_lines
from data_catalog.storage.locks import lock
from data_catalog.storage.small_files import read_small
from data_catalog.storage.typed_files import faults_of_validation

Record = TypeVar("Record")
PATIENCE_SECONDS = 30.0
MOST_BYTES = 1 << 30
"""A ledger of a thousand years of cycles is smaller."""


def read_records(path: Path, form: TypeAdapter[Record]) -> list[Record]:
    """Read all records of a file; one that does not exist yet has none.

    Args:
        path: The file.
        form: What a record is.

    Raises:
        InvalidDataError: A line is damaged, lost or repeated, or is no such record.
    """
    found = []
    for number, record in enumerate(_lines(path).records, 1):
        try:
            found.append(form.validate_python(record))
        except ValidationError as error:
            raise InvalidDataError(f"{path}: line {number}: {'; '.join(faults_of_validation(error))}") from None
    return found


def append_record(path: Path, record: BaseModel) -> None:
    """Append a record durably; the file and its directory need not exist yet.

    Args:
        path: The file.
        record: What to append.

    Raises:
        InvalidDataError: The file is damaged.
        ConfigurationError: It cannot be written.
    """
    with lock(path.with_suffix(".lock"), f"ledger {path}", patience_seconds=PATIENCE_SECONDS):
        lines = _lines(path)
        content = json.loads(record.model_dump_json(exclude_none=True))
        line, _ = chained_line(content, lines.hashes[-1] if lines.hashes else "")
        with disk_errors(path):
            if not path.exists():
                create_durably(path, b"")
        append_durably(path, line, after=lines.length)


def _lines(path: Path) -> Lines:
    try:
        content = read_small(path, most_bytes=MOST_BYTES)
    except FileNotFoundError:
        content = b""
    lines = read_lines(content, str(path))
    if lines.records and lines.format != CHAINED:
        raise InvalidDataError(f"{path}: expected lines chained by hash, found lines with checksums")
    return lines
