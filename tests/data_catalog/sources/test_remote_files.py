"""Never more than eight requests at once, ranges read twice where that is wanted, and errors that name the object."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.remote_files import MOST_AT_ONCE, RangedFile, RemoteFile, RemoteFiles, in_parallel
from tests.data_catalog.sources.grib.serving import Served, serving


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "5")
    with serving(tmp_path) as found:
        yield found


def test_a_range_is_read_until_two_readings_agree(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    (served.root / "a").write_bytes(b"weather")
    files = RemoteFiles(served.url)
    monkeypatch.setenv("PLUMECAST_READ_TWICE", "0")
    assert files.read_range("a", 1, 3) == b"eat"
    assert len(served.ranges) == 1
    monkeypatch.setenv("PLUMECAST_READ_TWICE", "1")
    served.faults = [b"eet"]
    assert files.read_range("a", 1, 3) == b"eat"
    assert len(served.ranges) == 5
    served.faults = [number.to_bytes(3, "big") for number in range(100)]
    with pytest.raises(InvalidDataError, match="/a: expected an object, found other bytes each time it is read"):
        files.read_range("a", 1, 3)


def test_a_small_object_is_asked_for_until_it_is_what_it_should_be(served: Served) -> None:
    (served.root / "a").write_bytes(b"1")
    served.faults = [b"<html>", b"<html>", 503]

    def parse(content: bytes, what: str) -> int:
        if not content.isdigit():
            raise InvalidDataError(f"{what}: expected digits, found {content!r}")
        return int(content)

    assert RemoteFiles(served.url).read_small("a", parse) == 1
    served.faults = [b"<html>"] * 100
    with pytest.raises(InvalidDataError, match="/a: expected digits"):
        RemoteFiles(served.url).read_small("a", parse)


def test_blocks_of_a_replaced_file_are_read_again(served: Served) -> None:
    file, path = RemoteFile(RemoteFiles(served.url), "a"), served.root / "a"
    for number, content in enumerate((b"sunny", b"rainy")):
        path.write_bytes(content)
        served.changed = float(number)
        version = file.version()
        assert version.size == 5
        assert RangedFile(file, version).read(5) == content
    requests = len(served.ranges)
    assert RangedFile(file, file.version()).read(5) == b"rainy"
    assert len(served.ranges) == requests


def test_objects_that_are_not_there(served: Served) -> None:
    files = RemoteFiles(served.url)
    assert files.read_small("absent.index", lambda content, what: content) is None
    with pytest.raises(MissingDataError, match=r"/absent\.grib2: expected an object, found none"):
        RemoteFile(files, "absent.grib2").read(0, 10)


def test_eight_requests_at_once_at_most(served: Served) -> None:
    (served.root / "a").write_bytes(bytes(100))
    served.delay_s = 0.02
    source = RemoteFile(RemoteFiles(served.url), "a")
    threads = [threading.Thread(target=source.read, args=(number, 1)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(served.ranges) == 24
    assert 1 < served.most_at_once <= MOST_AT_ONCE


def test_results_keep_their_order() -> None:
    def slow(number: int) -> int:
        time.sleep(0.01 * (number % 3))
        return number

    assert in_parallel(slow, range(12)) == list(range(12))
