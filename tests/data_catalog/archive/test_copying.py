"""An archive in object storage is a whole one at any moment, and is read and proven as one on disk."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.archive.copying import copy_archive, file_count
from data_catalog.archive.healing import archive_faults
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.storage.folder import Folder
from data_catalog.storage.folders import folder_at
from data_catalog.storage.object_path import object_path

MakeAnalysis = Callable[..., xr.Dataset]
WRITES = ("write", "copy", "create", "replace", "delete")


class KilledError(Exception):
    """Stands for the end of a process."""


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "disk":
        return tmp_path / "copies" / "tiny.zarr"
    return f"{request.getfixturevalue('bucket')}/copies/tiny.zarr"


def kill_at(monkeypatch: pytest.MonkeyPatch, folder: Folder, number: int) -> list[str]:
    """Let a writing request fail for good, counted from 0, and all after it; return the names of what is written."""
    written: list[str] = []

    def dying(right: Callable[..., object]) -> Callable[..., object]:
        def request(self: Folder, *given: object) -> object:
            if len(written) >= number:
                raise KilledError
            written.append(str(given[0]))
            return right(self, *given)

        return request

    for name in WRITES:
        monkeypatch.setattr(type(folder), name, dying(getattr(type(folder), name)))
    return written


def test_a_copy_is_read_in_place(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, place: Path | str
) -> None:
    analysis = make_analysis(times=20)
    ingest(entry, analysis.isel(time=slice(0, 12)), archive)
    assert copy_archive(archive, folder_at(place)) == file_count(archive) > 0
    copied = open_archive(object_path(place))
    xr.testing.assert_identical(copied.compute(), open_archive(archive).compute())
    assert archive_faults(object_path(place)) == ()
    assert inspect_archive(object_path(place)).faults == ()
    assert copy_archive(archive, folder_at(place)) == 0
    ingest(entry, analysis, archive)  # fills the last block, and adds one
    assert copy_archive(archive, folder_at(place)) == 2 * len(entry.channels)
    xr.testing.assert_equal(copied.compute(), analysis.isel(time=slice(0, 12)))
    found = open_analysis(str(place), entry.channels[:1])
    xr.testing.assert_equal(found.compute(), open_archive(archive)[list(entry.channels[:1])].compute())
    assert folder_at(place).listing("superseded") == []


def test_a_copy_is_a_zarr_group_for_others(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, tmp_path: Path
) -> None:
    ingest(entry, make_analysis(times=5), archive)
    copy_archive(archive, folder_at(tmp_path / "copy.zarr"))
    names = [each.relative_to(archive) for each in archive.rglob("*") if each.is_file()]
    assert sorted(names) == sorted(p.relative_to(tmp_path / "copy.zarr") for p in (tmp_path / "copy.zarr").rglob("*.*"))
    assert all((tmp_path / "copy.zarr" / name).read_bytes() == (archive / name).read_bytes() for name in names)


def test_readers_find_a_whole_archive_whenever_a_copy_is_killed(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replaced values, a replaced field, a filled block and a new one; killed at every request in turn."""
    before, after = make_analysis(times=12), make_analysis(times=20)
    corrected = after.assign(msl=after["msl"] + np.float32(1), lsm=np.float32(1) - after["lsm"])
    for name in ("msl", "lsm"):
        corrected[name].attrs = after[name].attrs
    ingest(entry, before, archive)
    shutil.copytree(archive, earlier := archive.with_name("earlier.zarr"))
    ingest(entry, corrected, archive, replace=True)
    old, new = open_archive(earlier).compute(), open_archive(archive).compute()
    states: list[str] = []
    for number in range(0, 100, 2):
        folder, place = folder_at(f"{bucket}/{number}.zarr"), object_path(f"{bucket}/{number}.zarr")
        copy_archive(earlier, folder)
        with monkeypatch.context() as patch:
            kill_at(patch, folder, number)
            with suppress(KilledError):
                copy_archive(archive, folder)
                break
        states.append(_state(place, old, new))
        copy_archive(archive, folder)
        assert _state(place, old, new) == "new"
        assert folder.listing("superseded") == []
    assert states == sorted(states, key=["old", "new"].index), "first the old one, then the new one, and no other"
    assert states.count("old") > 4
    assert states.count("new") > 1


def _state(place: object, old: xr.Dataset, new: xr.Dataset) -> str:
    found = open_archive(place).compute()  # type: ignore[arg-type]
    (state,) = (name for name, one in (("old", old), ("new", new)) if found.identical(one))
    return state


def test_a_first_copy_that_is_killed_is_no_archive_yet(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(entry, make_analysis(times=5), archive)
    folder, place = folder_at(f"{bucket}/tiny.zarr"), object_path(f"{bucket}/tiny.zarr")
    with monkeypatch.context() as patch:
        kill_at(patch, folder, 3)  # the lease is the first
        with pytest.raises(KilledError):
            copy_archive(archive, folder)
    with pytest.raises(MissingDataError, match="expected an archive"):
        open_archive(place)
    assert copy_archive(archive, folder) == file_count(archive) - 2
    assert archive_faults(place) == ()


def test_damage_is_found_and_sent_again(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, place: Path | str
) -> None:
    ingest(entry, make_analysis(times=12), archive)
    folder = folder_at(place)
    copy_archive(archive, folder)
    whole = folder.read("msl/c.0.0.0")
    assert whole is not None
    folder.write("msl/c.0.0.0", whole.body[:-9] + b"?" + whole.body[-8:])
    folder.delete(["lsm/c.0.0"])
    faults = archive_faults(object_path(place))
    assert [name for name in ("msl/c.0.0.0", "lsm/c.0.0") if any(name in fault for fault in faults)] == [
        "msl/c.0.0.0", "lsm/c.0.0",
    ]  # fmt: skip
    assert copy_archive(archive, folder) == 1, "what is not there"
    with pytest.raises(InvalidDataError, match=r"tiny\.zarr/msl/c\.0\.0\.0: msl at .*: expected sha256"):
        open_archive(object_path(place))["msl"].compute()
    assert copy_archive(archive, folder, prove=True) == 1
    assert archive_faults(object_path(place)) == ()


def test_a_damaged_archive_is_not_copied(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, place: Path | str
) -> None:
    ingest(entry, make_analysis(times=5), archive)
    (archive / "msl" / "c.0.0.0").write_bytes(b"other")
    with pytest.raises(InvalidDataError, match=r"msl/c\.0\.0\.0: expected what the ledger says"):
        copy_archive(archive, folder_at(place))
    assert folder_at(place).read("ledger.jsonl") is None


def test_other_archives_are_not_replaced(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, place: Path | str, tmp_path: Path
) -> None:
    ingest(entry, make_analysis(times=5), archive)
    other = tmp_path / "other.zarr"
    ingest(entry, make_analysis(times=6), other)
    copy_archive(other, folder_at(place))
    with pytest.raises(ConfigurationError, match=r"tiny\.zarr: expected a copy of .*, found one of another archive"):
        copy_archive(archive, folder_at(place))
    folder_at(place).delete(["ledger.jsonl"])
    with pytest.raises(ConfigurationError, match="expected nothing or a copy of this archive, found other Zarr"):
        copy_archive(archive, folder_at(place))
