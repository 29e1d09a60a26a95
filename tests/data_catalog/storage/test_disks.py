"""The disk of a path, and errors of a full one."""

import errno
import pickle
from pathlib import Path

import pytest

from data_catalog.storage.disks import as_full_disk, free_bytes, mount_of


def test_the_mount_of_a_path(tmp_path: Path) -> None:
    assert mount_of(tmp_path / "not" / "there") == mount_of(tmp_path)
    assert mount_of(Path("/proc/self/status")) == Path("/proc")
    link = tmp_path / "link"
    link.symlink_to("/proc/self")
    assert mount_of(link / "status") == Path("/proc")
    assert free_bytes(tmp_path) > 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_an_error_of_a_full_disk_names_it(number: int, tmp_path: Path) -> None:
    found = as_full_disk(OSError(number, "no room", "/proc/x"), tmp_path)
    assert found is not None
    assert (str(found), found.mount) == (
        "/proc/x: expected room on the disk of /proc, found it full (no room)", Path("/proc"),
    )  # fmt: skip
    unnamed = as_full_disk(OSError(number, "no room"), Path("/proc"))
    assert unnamed is not None
    assert unnamed.mount == Path("/proc")
    again = pickle.loads(pickle.dumps(found))  # as it comes from another process
    assert (str(again), again.mount) == (str(found), Path("/proc"))
    assert as_full_disk(found, tmp_path) is found


def test_other_errors_are_not_of_a_full_disk(tmp_path: Path) -> None:
    assert as_full_disk(OSError(errno.EIO, "broken"), tmp_path) is None
    assert as_full_disk(ValueError("no room"), tmp_path) is None
