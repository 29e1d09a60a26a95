"""Chunks are brought from object storage where they are wanted, and nowhere else."""

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.archive.chunks import UNFINISHED
from data_catalog.archive.copying import copy_archive
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.remote_chunks import bring, home_of, mark
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError
from data_catalog.storage.folders import folder_at
from data_catalog.storage.object_path import object_path

MakeAnalysis = Callable[..., xr.Dataset]


def test_only_what_is_read_is_brought_and_compared_with_the_ledger(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, bucket: str
) -> None:
    ingest(entry, make_analysis(times=12), archive)
    url = f"{bucket}/tiny.zarr"
    copy_archive(archive, folder_at(url))
    expected = open_archive(archive)["msl"].compute()
    chunks = sorted(archive.glob("msl/c.*"))
    for path in chunks:
        path.unlink()
    assert home_of(archive) is None
    with pytest.raises(InvalidDataError, match="expected a chunk file, found none"):
        open_archive(archive)["msl"].compute()
    mark(archive, url)
    xr.testing.assert_equal(open_archive(archive)["msl"][:2].compute(), expected[:2])
    assert [path.exists() for path in chunks] == [True, False]
    folder_at(url).write("msl/c.1.0.0", chunks[0].read_bytes())
    with pytest.raises(InvalidDataError, match=r"msl/c\.1\.0\.0: msl at"):
        open_archive(archive)["msl"].compute()


def test_what_is_here_or_nowhere_is_left(archive: Path, bucket: str) -> None:
    home = object_path(f"{bucket}/tiny.zarr")
    (archive / "msl").mkdir(parents=True)
    mark(archive, str(home))
    assert home_of(archive) == home
    assert home_of(home) is None
    for name, content in (("c.0.0.0", b"here"), ("c.1.0.0", None)):
        path = archive / "msl" / name
        if content is not None:
            path.write_bytes(content)
        bring(home, path, archive / UNFINISHED)  # type: ignore[arg-type]
        assert (path.read_bytes() if path.exists() else None) == content
