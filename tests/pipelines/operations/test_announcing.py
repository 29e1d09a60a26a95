"""Done-events: a signed webhook that is tried again, a file in a directory, and a record of who took it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from data_catalog.errors import ConfigurationError
from forecast.products.files.manifest import file_hash
from forecast.system.announce import Announce
from pipelines.operations.announcing import ATTEMPTS, SECRET, announce, announce_again, post
from pipelines.operations.cycle_ledger import CycleLedger
from tests.pipelines.operations.conftest import add_run, time

Begin = Callable[..., CycleLedger]


class Receiver:
    """A server on this machine that keeps what it is told, and refuses the first messages."""

    def __init__(self) -> None:
        self.refused, self.told = 0, list[tuple[dict[str, str], bytes]]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.told.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(503 if len(outer.told) <= outer.refused else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/done"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr("time.sleep", lambda _: None)
    made = Receiver()
    thread = Thread(target=made.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_a_message_is_signed_and_names_the_run(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, "a secret")
    run = add_run(tmp_path, "2008-01-01")
    post(receiver.url, run)
    ((headers, body),) = receiver.told
    message = json.loads(body)
    assert message["init_time"] == "2008-01-01T00:00Z"
    assert message["manifest_sha256"] == file_hash(run.manifest)
    assert (message["type"], message["members"], message["run"]) == ("plumecast-run.published", 1, str(run.path))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"a secret", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert b"a secret" not in body


def test_without_a_secret_nothing_is_signed(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET, raising=False)
    post(receiver.url, add_run(tmp_path, "2008-01-01"))
    assert "webhook-signature" not in receiver.told[0][0]


def test_a_message_is_sent_again_as_the_same_one(receiver: Receiver, tmp_path: Path) -> None:
    receiver.refused = ATTEMPTS - 1
    post(receiver.url, add_run(tmp_path, "2008-01-01"))
    assert len(receiver.told) == ATTEMPTS
    assert len({headers["webhook-id"] for headers, _ in receiver.told}) == 1
    assert len({body for _, body in receiver.told}) == 1


def test_who_does_not_take_it_holds_nothing_up_and_is_told_later(
    receiver: Receiver, begin: Begin, tmp_path: Path
) -> None:
    receiver.refused = ATTEMPTS
    ledger, run, folder = begin(), add_run(tmp_path / "runs", "2008-01-01"), tmp_path / "done"
    rules = Announce(webhook=receiver.url, directory=folder)
    announce(ledger, rules, run)
    told = CycleLedger.read(ledger.path).announcements[time("2008-01-01")]
    assert (told["webhook"].delivered, told["file"].delivered) == (False, True)
    assert told["webhook"].reason.endswith(f"expected status 200 to 299 in {ATTEMPTS} attempts, found status 503")
    written = folder / "tiny_20080101T0000Z.json"
    assert json.loads(written.read_text())["system"] == "tiny"
    written.unlink()
    announce_again(ledger, rules, tmp_path / "runs", "tiny")
    assert CycleLedger.read(ledger.path).announcements[time("2008-01-01")]["webhook"].delivered
    assert not written.exists()
    before = len(receiver.told)
    announce_again(ledger, rules, tmp_path / "runs", "tiny")
    announce(ledger, rules, run)
    assert len(receiver.told) == before


def test_a_receiver_that_is_not_there(begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    ledger, run = begin(), add_run(tmp_path / "runs", "2008-01-01")
    announce(ledger, Announce(webhook="http://127.0.0.1:1/done"), run)
    assert ledger.announcements[time("2008-01-01")]["webhook"].reason.endswith("found ConnectError")
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:1/done: expected status"):
        post("http://127.0.0.1:1/done", run)
