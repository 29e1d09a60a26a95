"""What is particular to a folder in an object store: faults of the store, lost answers, and what is said of them."""

from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.exceptions import GenericError, PermissionDeniedError

from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.storage.folder import Fingerprint
from data_catalog.storage.object_folder import ObjectFolder
from tests.object_storage.server import SECRET

BUSY = GenericError("Server error, body contains Error, status: 503 Service Unavailable")


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: repeat(0.01))
    monkeypatch.setenv("PLUMECAST_PATIENCE", "0.3")


def spoil(monkeypatch: pytest.MonkeyPatch, call: str, faults: list[Exception], *, after: bool = False) -> None:
    """Let a call of the library fail, after it has reached the store or without."""
    right: Callable[..., Any] = getattr(obstore, call)

    def spoilt(*arguments: Any, **options: Any) -> Any:
        if not faults:
            return right(*arguments, **options)
        if after:
            right(*arguments, **options)
        raise faults.pop()

    monkeypatch.setattr(obstore, call, spoilt)


@pytest.mark.parametrize("call", ["put", "get", "head", "copy", "delete"])
def test_outages_are_waited_out(bucket: str, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    folder, faults = ObjectFolder(bucket), list(repeat(BUSY, 5))
    monkeypatch.setenv("PLUMECAST_PATIENCE", "60")
    folder = ObjectFolder(bucket)
    spoil(monkeypatch, call, faults)
    folder.write("a", b"content")
    folder.copy("a", "b")
    assert folder.fetch("b") == Fingerprint.of(b"content").sha256
    assert folder.holds("b", Fingerprint.of(b"content"))
    folder.delete(["a"])
    assert folder.read("a") is None
    assert faults == []


def test_an_answer_that_was_lost_does_not_make_a_loser_of_the_winner(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ObjectFolder(bucket)
    spoil(monkeypatch, "put", [BUSY], after=True)
    assert folder.create("a", b"ours")
    before = folder.read("a")
    assert before is not None
    spoil(monkeypatch, "put", [BUSY], after=True)
    assert folder.replace("a", b"ours again", before.version)


def test_a_store_that_is_down_is_one_line(monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    folder = ObjectFolder(f"{bucket}/prefix")
    for request in (lambda: folder.read("a"), lambda: folder.write("a", b""), lambda: folder.listing()):
        with pytest.raises(MissingDataError) as caught:
            request()
        said = str(caught.value)
        assert said.startswith(f"{bucket}/prefix")
        assert said.endswith("expected an answer, found a refused connection; try again later")
        assert SECRET not in said


def test_no_bucket_is_one_line(bucket: str) -> None:
    folder = ObjectFolder("s3://never-made/prefix")
    with pytest.raises(ConfigurationError, match=r"^s3://never-made/prefix: expected an existing bucket to write"):
        folder.write("a", b"")
    with pytest.raises(ConfigurationError, match="expected an existing bucket"):
        folder.create("a", b"")
    assert folder.read("a") is None


def test_a_refusal_is_one_line(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ObjectFolder(bucket)
    refused = f"status: 403 Forbidden: the key {SECRET} may not"
    spoil(monkeypatch, "put", [PermissionDeniedError(refused) for _ in range(9)])
    with pytest.raises(ConfigurationError) as caught:
        folder.write("a", b"")
    assert str(caught.value) == (
        f"{bucket}/a: expected permission to write, found a refusal (HTTP 401 or 403); correct address or credentials"
    )


def test_a_content_is_proven_where_the_etag_is_no_md5(
    bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on Google Cloud Storage, and on Amazon S3 with keys of one's own."""
    folder, right = ObjectFolder(bucket), Fingerprint.of(b"content")
    folder.write("a", b"content")
    head = obstore.head
    monkeypatch.setattr(obstore, "head", lambda *given: {**head(*given), "e_tag": '"CJ3Hz7bXk5EDEAE="'})
    assert folder.holds("a", right)
    folder.write("a", b"tnetnoc")
    assert not folder.holds("a", right)
