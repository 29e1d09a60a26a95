"""A store on this machine that answers as HTTP servers, Google's and Amazon's stores do, and whose answers can fail."""

import base64
import hashlib
import random
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Literal

import google_crc32c

Kind = Literal["404", "403", "429", "500", "503", "time-out", "reset", "cut", "short", "flip", "html", "drip"]
Stating = Literal["nothing", "etag", "google", "amazon", "md5"]
"""What the store states of an object: nothing; an ETag that is its MD5; `x-goog-hash`; `x-amz-checksum-crc32c`;
`Content-MD5`."""
LIMIT_S = 1.0
"""Seconds for which the campaign waits for an answer."""
_FOREVER = 10**9


@dataclass
class Fault:
    """What is wrong with the answers about one object.

    Attributes:
        kind: How an answer fails: with a status; not at all in time; with a connection that is reset, or cut before the
            end of the body; with a shorter body, flipped bits, or a page of HTML that look complete; byte by byte.
        key: Name of the object in the store.
        times: How many answers fail; the same number for all requests that stay wrong.
        seed: Selects the flipped bits, others for each answer.
        delivered: How many answers have failed.
    """

    kind: Kind
    key: str
    times: int = 1
    seed: int = 0
    delivered: int = 0

    @property
    def is_permanent(self) -> bool:
        """Whether all answers fail."""
        return self.times >= _FOREVER

    @classmethod
    def permanent(cls, kind: Kind, key: str, seed: int = 0) -> "Fault":
        """A fault of all answers about an object."""
        return cls(kind, key, _FOREVER, seed)


class FaultyServer:
    """Serves a directory to `http://` and, as the bucket `bucket`, to `s3://`."""

    def __init__(self, directory: Path, stating: Stating = "nothing", faults: list[Fault] | None = None) -> None:
        self.asked: Counter[str] = Counter()
        """How often each object was asked for."""
        self.signed = 0
        """Number of requests that came with credentials."""
        self.delivered: Counter[str] = Counter()
        """How many faulty answers each object had."""
        self.directory = directory
        self.stating = stating
        self.faults = {fault.key: fault for fault in faults or []}
        self.lock = Lock()
        owner = self

        class Handler(_Handler):
            served = owner

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def take_fault(self, key: str, *, is_head: bool) -> tuple[Fault | None, int]:
        """Return the fault of the next answer about an object, and how many faulty ones there were before."""
        with self.lock:
            fault = self.faults.get(key)
            before = self.delivered[key]
            if not is_head:
                self.asked[key] += 1
            if fault is None or before >= fault.times:
                return None, before
            if not is_head:
                self.delivered[key] += 1
                fault.delivered += 1
            return fault, before


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Readers that have waited long enough hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: FaultyServer
    _status, _first, _size = 200, 0, 0

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(is_head=False)

    def do_HEAD(self) -> None:
        self._answer(is_head=True)

    def _answer(self, *, is_head: bool) -> None:
        self.served.signed += "Authorization" in self.headers
        path = self.path.partition("?")[0].lstrip("/").removeprefix("bucket/")
        key = path.partition("/")[2]
        file = self.served.directory / path
        if not file.is_file():
            self._send(404, b"", {}, is_head)
            return
        body = self._wanted(file.read_bytes())
        fault, number = self.served.take_fault(key, is_head=is_head)
        if fault is not None and (not is_head or fault.kind.isdigit()):
            self._fail(fault, number, body, is_head)
        else:
            self._send(self._status, body, self._stated(body), is_head)

    def _wanted(self, content: bytes) -> bytes:
        """The range of an object that a request is for, or all of it."""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        self._status = 206 if found else 200
        self._first, last = (int(found[1]), int(found[2])) if found else (0, len(content) - 1)
        self._size = len(content)
        return content[self._first : last + 1]

    def _stated(self, body: bytes) -> Mapping[str, str]:
        if self._status == 206:
            return {"ETag": '"5f1-6"'}  # no store states a checksum of a range
        md5, crc = hashlib.md5(body), base64.b64encode(google_crc32c.Checksum(body).digest()).decode()
        return {
            "nothing": {},
            "etag": {"ETag": f'"{md5.hexdigest()}"'},
            "md5": {"Content-MD5": base64.b64encode(md5.digest()).decode(), "ETag": '"5f1-6"'},
            "google": {"x-goog-hash": f"crc32c={crc}", "ETag": '"CJDu7Pn="'},
            "amazon": {"x-amz-checksum-crc32c": crc, "ETag": f'"{md5.hexdigest()}-3"'},
        }[self.served.stating]

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], is_head: bool) -> None:
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {self._first}-{self._first + len(body) - 1}/{self._size}")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")
        self.end_headers()
        if not is_head:
            self.wfile.write(body)

    def _fail(self, fault: Fault, number: int, body: bytes, is_head: bool) -> None:
        stated = self._stated(body)
        rng = random.Random(fault.seed + number)
        if fault.kind.isdigit():
            self._send(int(fault.kind), b"", {}, is_head)
        elif fault.kind == "html":
            self._send(200, b"<html><body>Please sign in.</body></html>" * rng.randint(1, 40), {}, is_head)
        elif fault.kind == "short":
            self._send(self._status, body[: rng.randrange(len(body))], stated, is_head)
        elif fault.kind == "flip":
            self._send(self._status, flipped(body, rng), stated, is_head)
        else:
            self._break_off(fault.kind, body, stated, rng)

    def _break_off(self, kind: Kind, body: bytes, stated: Mapping[str, str], rng: random.Random) -> None:
        self.close_connection = True
        if kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if kind == "time-out":
            time.sleep(1.5 * LIMIT_S)
            return
        self.send_response(self._status)
        if self._status == 206:
            self.send_header("Content-Range", f"bytes {self._first}-{self._first + len(body) - 1}/{self._size}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")
        for name, value in stated.items():
            self.send_header(name, value)
        self.end_headers()
        self._write_part(kind, body, rng)

    def _write_part(self, kind: Kind, body: bytes, rng: random.Random) -> None:
        if kind == "cut":
            self.wfile.write(body[: rng.randrange(len(body))])
            return
        for at in range(15):
            self.wfile.write(body[at : at + 1])
            self.wfile.flush()
            time.sleep(0.1 * LIMIT_S)


def flipped(body: bytes, rng: random.Random) -> bytes:
    """Return bytes of which one to three bits are flipped."""
    content = bytearray(body)
    for at in rng.sample(range(len(content)), min(len(content), rng.randint(1, 3))):
        content[at] ^= 1 << rng.randrange(8)
    return bytes(content)
