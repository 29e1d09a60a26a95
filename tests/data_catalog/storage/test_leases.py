"""A lease on a folder: one holder at a time, and a dead one not for long."""

from datetime import timedelta
from pathlib import Path

import pytest

from data_catalog.clock import other_clock, utc_now
from data_catalog.errors import UnreachableError
from data_catalog.storage.folder import Folder
from data_catalog.storage.folders import folder_at
from data_catalog.storage.leases import lease


@pytest.fixture(params=["disk", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    return folder_at(tmp_path if request.param == "disk" else f"{request.getfixturevalue('bucket')}/leased")


def test_one_holder_at_a_time(folder: Folder) -> None:
    with lease(folder, "one") as renew:
        renew()
        with pytest.raises(UnreachableError, match=r"that may until \d{4}-.*Z; try again"), lease(folder, "two"):
            pass
    with lease(folder, "two"):
        pass
    assert folder.read(".writer") is None


def test_a_dead_holder_is_followed_by_itself_at_once_and_by_others_later(folder: Folder) -> None:
    with pytest.raises(KeyboardInterrupt), lease(folder, "one"):
        raise KeyboardInterrupt
    assert folder.read(".writer") is not None
    with pytest.raises(UnreachableError), lease(folder, "two"):
        pass
    with lease(folder, "one"):
        pass
    with pytest.raises(KeyboardInterrupt), lease(folder, "one"):
        raise KeyboardInterrupt
    later = utc_now() + timedelta(minutes=11)
    with other_clock(lambda: later), lease(folder, "two"):
        pass


def test_a_holder_that_was_too_slow_notices_that_another_took_it(folder: Folder) -> None:
    later = utc_now() + timedelta(minutes=11)
    with lease(folder, "one") as renew:
        with other_clock(lambda: later), pytest.raises(KeyboardInterrupt), lease(folder, "two"):
            raise KeyboardInterrupt
        with other_clock(lambda: later), pytest.raises(UnreachableError, match="expected no other machine"):
            renew()


def test_what_cannot_be_read_holds_nothing(folder: Folder) -> None:
    folder.write(".writer", b"rubbish")
    with lease(folder, "one"):
        pass
