"""An archive in object storage is written to as one on disk, and is a whole one at any moment."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.healing import archive_faults
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.working_copy import working_copy
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.storage.folders import folder_at
from data_catalog.storage.object_path import object_path
from tests.data_catalog.archive.test_copying import KilledError, kill_at

MakeAnalysis = Callable[..., xr.Dataset]


def ingest_there(entry: DatasetEntry, analysis: xr.Dataset, url: str, below: Path, *, replace: bool = False) -> None:
    with working_copy(url, below) as path:
        ingest(entry, analysis, path, replace=replace)


def killed_ingest_there(entry: DatasetEntry, analysis: xr.Dataset, url: str, below: Path) -> None:
    with working_copy(url, below) as path:
        ingest(entry, analysis, path)
        raise KilledError


def test_what_is_written_there_has_the_bytes_of_an_archive_on_disk(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, bucket: str, tmp_path: Path
) -> None:
    analysis, url = make_analysis(times=20), f"{bucket}/archives/tiny.zarr"
    for stop in (5, 12, 20):  # the last block is filled up twice
        part = analysis.isel(time=slice(stop - 5, stop))
        ingest(entry, part, archive)
        ingest_there(entry, part, url, tmp_path / "work")
        assert not list((tmp_path / "work").rglob("c.*")), "nothing stays here"
    names = [str(path.relative_to(archive)) for path in archive.rglob("*") if path.is_file()]
    found = {stored.name: folder_at(url).read(stored.name) for stored in folder_at(url).listing()}
    assert sorted(names) == sorted(found)
    different = [name for name in names if found[name].body != (archive / name).read_bytes()]  # type: ignore[union-attr]
    assert different == []
    assert archive_faults(object_path(url)) == ()


def test_readers_find_a_whole_archive_whenever_an_ingest_is_killed(
    entry: DatasetEntry, make_analysis: MakeAnalysis, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replaced values, a filled block and a new one; killed at every third request, and then run again."""
    before, after = make_analysis(times=10), make_analysis(times=20)
    after["msl"] = after["msl"].copy(data=after["msl"].values + np.float32(1))
    sizes = []
    for number in range(0, 100, 3):
        url, work = f"{bucket}/{number}.zarr", tmp_path / str(number)
        ingest_there(entry, before, url, work)
        with monkeypatch.context() as patch:
            kill_at(patch, folder_at(url), number)
            with suppress(KilledError):
                ingest_there(entry, after, url, work, replace=True)
                break
        found = open_archive(object_path(url)).compute()
        xr.testing.assert_equal(found, before if found.sizes["time"] == 10 else after)
        sizes.append(found.sizes["time"])
        ingest_there(entry, after, url, work, replace=True)
        xr.testing.assert_equal(open_archive(object_path(url)).compute(), after)
        assert archive_faults(object_path(url)) == ()
    assert sizes == sorted(sizes)
    assert sizes.count(10) > 2
    assert sizes.count(20) > 1


def test_what_was_continued_elsewhere_is_taken_up_from_there(
    entry: DatasetEntry, make_analysis: MakeAnalysis, bucket: str, tmp_path: Path
) -> None:
    analysis, url = make_analysis(times=20), f"{bucket}/tiny.zarr"
    ingest_there(entry, analysis.isel(time=slice(0, 5)), url, tmp_path / "one")
    with pytest.raises(KilledError):
        killed_ingest_there(entry, analysis.isel(time=slice(0, 7)), url, tmp_path / "one")
    ingest_there(entry, analysis.isel(time=slice(5, 11)), url, tmp_path / "two")
    ingest_there(entry, analysis.isel(time=slice(9, 14)), url, tmp_path / "one")
    xr.testing.assert_equal(open_archive(object_path(url)).compute(), analysis.isel(time=slice(0, 14)))
    late = working_copy(url, tmp_path / "one")
    ingest(entry, analysis.isel(time=slice(0, 15)), late.__enter__())
    ingest_there(entry, analysis.isel(time=slice(14, 20)), url, tmp_path / "two")
    with pytest.raises(ConfigurationError, match="or a later one"):
        late.__exit__(None, None, None)
    xr.testing.assert_equal(open_archive(object_path(url)).compute(), analysis)


def test_one_machine_at_a_time_writes_there(
    entry: DatasetEntry, make_analysis: MakeAnalysis, bucket: str, tmp_path: Path
) -> None:
    url = f"{bucket}/tiny.zarr"
    with working_copy(url, tmp_path) as path:
        assert not path.exists()  # there is nothing yet, and nothing is written
        with pytest.raises(MissingDataError, match=r"tiny\.zarr: ingest"), working_copy(url, tmp_path):
            pass
    assert folder_at(url).listing() == []


def test_damage_there_is_mended_by_the_next_ingest(
    entry: DatasetEntry, make_analysis: MakeAnalysis, bucket: str, tmp_path: Path
) -> None:
    url, analysis = f"{bucket}/tiny.zarr", make_analysis(times=12)
    ingest_there(entry, analysis, url, tmp_path)
    folder = folder_at(url)
    folder.write("t2m/c.1.0.0", b"")
    folder.delete(["msl/c.0.0.0", "lsm/c.0.0"])
    content = folder.read("ledger.jsonl")
    assert content is not None
    folder.write("ledger.jsonl", content.body.replace(b"2001", b"2002", 1))
    with pytest.raises(InvalidDataError):
        open_archive(object_path(url))
    ingest_there(entry, analysis, url, tmp_path)
    assert archive_faults(object_path(url)) == ()
    xr.testing.assert_equal(open_archive(object_path(url)).compute(), analysis)
