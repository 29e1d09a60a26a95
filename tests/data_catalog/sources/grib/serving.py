"""A public bucket on this machine: files over HTTP by ranges, with requests counted and faults in place of answers."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread


@dataclass
class Served:
    """Files that are served, and what was asked of them."""

    root: Path
    url: str
    ranges: list[tuple[str, int, int]] = field(default_factory=list)
    """Path, first byte and number of bytes of each request for a range."""
    whole: list[str] = field(default_factory=list)
    """Path of each other request."""
    heads: list[str] = field(default_factory=list)
    """Path of each request for headers alone."""
    faults: list[int | bytes] = field(default_factory=list)
    """Status, or bytes with status 206, of the next answers."""
    delay_s: float = 0.0
    changed: float = 1577836800.0
    """When all files were changed last, seconds since 1970."""
    most_at_once: int = 0
    now: int = 0
    lock: Lock = field(default_factory=Lock)


@contextmanager
def serving(root: Path) -> Iterator[Served]:
    """Serve a directory for as long as the context lasts."""
    served = Served(root, "")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            with served.lock:
                served.now += 1
                served.most_at_once = max(served.most_at_once, served.now)
            time.sleep(served.delay_s)
            answer = self._found()
            with served.lock:
                served.now -= 1  # before the client has the answer, after which it may send the next request
            self._answer(*answer)

        def _found(self) -> tuple[int, bytes, str]:
            path = self.path.lstrip("/")
            file = served.root / path
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            content = file.read_bytes() if file.is_file() else None
            size = len(content or b"")
            first, last = (int(wanted[1]), min(int(wanted[2]), size - 1)) if wanted else (0, size - 1)
            with served.lock:
                if self.command == "HEAD":
                    served.heads.append(path)
                elif wanted:
                    served.ranges.append((path, first, int(wanted[2]) - first + 1))
                else:
                    served.whole.append(path)
                fault = served.faults.pop(0) if served.faults else None
            if isinstance(fault, int) or content is None:
                return fault if isinstance(fault, int) else 404, b"", ""
            body = fault if fault is not None else content[first : last + 1]
            return 206 if wanted else 200, body, f"bytes {first}-{first + len(body) - 1}/{size}"

        def _answer(self, status: int, body: bytes, content_range: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", formatdate(served.changed, usegmt=True))
            if status == 206:
                self.send_header("Content-Range", content_range)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
