"""An S3 server on this machine, for tests: moto, in a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import urllib3

SECRET = "s3cr3t-of-the-tests"
_SERVER = """
import sys
from threading import Lock
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

application, lock = DomainDispatcherApplication(create_backend_app), Lock()

def one_after_the_other(environ, start_response):
    with lock:
        return list(application(environ, start_response))

run_simple("127.0.0.1", int(sys.argv[1]), one_after_the_other, threaded=True, request_handler=MotoRequestHandler)
"""
"""Moto looks and then writes: of several conditional writes at once, more than one could succeed."""
_START_S = 60.0


@contextmanager
def s3_server() -> Iterator[str]:
    """Serve S3 from memory on loopback; yield the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-c", _SERVER, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def environment(address: str) -> Mapping[str, str]:
    """Return the environment of a process that uses the server.

    Args:
        address: Address of the server.
    """
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


def make_bucket(address: str, name: str) -> str:
    """Make a bucket; return its URL.

    Args:
        address: Address of the server.
        name: Name of the bucket.
    """
    answer = urllib3.request("PUT", f"{address}/{name}")
    assert answer.status == 200, answer.data
    return f"s3://{name}"


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the S3 server did not start: {process.poll()}")
