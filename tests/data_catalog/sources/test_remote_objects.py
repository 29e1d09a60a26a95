"""Bodies are compared with what the store says of them, and read twice where it says nothing."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import get_args
from unittest.mock import Mock

import obstore
import pytest
from zarr.abc.store import RangeByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore, ObjectStore

from data_catalog.sources.remote_objects import DamagedChunkError, RemoteObjects
from data_catalog.sources.zarr_stores import open_complete
from data_catalog.storage.object_stores import has_credentials
from data_catalog.storage.patience import Patience
from tests.source_faults.server import Fault, FaultyServer, Stating

BODY = bytes(range(200))
Serve = Callable[..., FaultyServer]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a server of `a.zarr` with some objects `t/0` to `t/9` and `x/0`."""
    running: list[FaultyServer] = []
    (tmp_path / "a.zarr" / "t").mkdir(parents=True)
    for number in range(10):
        (tmp_path / "a.zarr" / "t" / str(number)).write_bytes(BODY + bytes([number]))

    def start(stating: Stating, *faults: Fault) -> FaultyServer:
        running.append(FaultyServer(tmp_path, stating, list(faults)))
        return running[-1]

    yield start
    for server in running:
        server.close()


def reader(server: FaultyServer, read_twice: float = 0.0) -> RemoteObjects:
    location = f"{server.endpoint}/a.zarr"
    objects = obstore.store.HTTPStore.from_url(location, client_options={"allow_http": True})
    return RemoteObjects(ObjectStore(objects), objects, location, Patience(read_twice=read_twice))


def read(objects: RemoteObjects, key: str, *, is_small: bool = False) -> bytes | None:
    found = asyncio.run(objects.get(key, default_buffer_prototype(), None, is_small=is_small))
    return None if found is None else found.to_bytes()


@pytest.mark.parametrize("stating", get_args(Stating)[1:])
def test_what_the_store_states_is_compared_and_nothing_read_twice(serve: Serve, stating: Stating) -> None:
    server = serve(stating, Fault("flip", "t/1"), Fault("flip", "t/2", 2))
    objects = reader(server, read_twice=1.0)
    for number in range(5):
        assert read(objects, f"t/{number}") == BODY + bytes([number])
    assert [server.asked[f"t/{number}"] for number in range(5)] == [1, 2, 3, 1, 1]
    assert read(objects, "t/absent") is None


@pytest.mark.parametrize("stating", get_args(Stating)[1:])
def test_an_object_that_is_never_what_the_store_states_is_refused(serve: Serve, stating: Stating) -> None:
    objects = reader(serve(stating, Fault.permanent("flip", "t/1")))
    assert read(objects, "t/0") == BODY + b"\0"
    with pytest.raises(DamagedChunkError, match=r"chunk t/1: expected the bytes that the store's (md5|crc32c) says"):
        read(objects, "t/1")


def test_without_checksums_the_sample_is_read_twice(serve: Serve) -> None:
    server = serve("nothing", Fault("flip", "t/1"), Fault("404", "t/2", 3), Fault.permanent("flip", "t/3"))
    objects = reader(server, read_twice=1.0)
    assert read(objects, "t/1") == BODY + b"\1"
    assert server.asked["t/1"] == 3
    assert read(objects, "t/2") is None
    with pytest.raises(DamagedChunkError, match="t/3: expected the same bytes each time it is read, found others"):
        read(objects, "t/3")
    once = reader(server)
    assert read(once, "t/5") == BODY + b"\5"
    assert read(once, "t/6", is_small=True) == BODY + b"\6"
    assert (server.asked["t/5"], server.asked["t/6"]) == (1, 1)
    some = reader(server, read_twice=1e-9)
    assert read(some, "t/7", is_small=True) == BODY + b"\7"
    assert server.asked["t/7"] == 2


def test_an_etag_that_only_looks_like_an_md5_is_left_alone(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    real = hashlib.md5
    monkeypatch.setattr("tests.source_faults.server.hashlib.md5", lambda body: real(b"encrypted" + body))
    server = serve("etag")
    monkeypatch.setattr("data_catalog.sources.stated_checksums._DIGESTS", {"md5": lambda body: real(body).digest()})
    objects = reader(server)
    for number in range(3):
        assert read(objects, f"t/{number}") == BODY + bytes([number])
    assert [server.asked[f"t/{number}"] for number in range(3)] == [2, 1, 1]


def test_parts_are_read_twice_only() -> None:
    store = MemoryStore({"t/0": default_buffer_prototype().buffer.from_bytes(BODY)})
    objects = obstore.store.MemoryStore()
    counting = Mock(wraps=store.get)
    store.get = counting  # type: ignore[method-assign]
    for share, times in ((0.0, 1), (1.0, 3)):
        remote = RemoteObjects(store, objects, "https://host/a.zarr", Patience(read_twice=share))
        part = RangeByteRequest(2, 5)
        found = asyncio.run(remote.get("t/0", default_buffer_prototype(), part, is_small=False))
        assert found is not None
        assert found.to_bytes() == BODY[2:5]
        assert counting.call_count == times


def test_credentials_of_the_environment_are_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: repeat(0.001))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    server = serve("etag")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    assert not has_credentials("s3")
    for signed in (False, True):
        if signed:
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
        with pytest.raises(Exception, match="expected a Zarr group") as told:
            open_complete("s3://bucket/a.zarr")
        assert (server.signed > 0) is signed
        assert "s3cret" not in str(told.value)
