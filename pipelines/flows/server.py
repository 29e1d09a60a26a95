"""Finds or starts the Prefect server, and turns its failures into one line; this module does not import Prefect."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from data_catalog.errors import ConfigurationError
from pipelines.flows.environment import configured_address
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")
SERVER_START_SECONDS = 120


@contextmanager
def prefect_server(home: Home, port: int) -> Iterator[str]:
    """Provide a running server: the configured one, one that already runs on this port, or one started here.

    Prefect reads the address when it is first imported, so import it within this context.

    Args:
        home: Home directory, for the log of a server that is started here.
        port: Port on this machine, unless a server is configured.

    Yields:
        The address of the API. A server that was started here is stopped at the end.

    Raises:
        ConfigurationError: The server does not answer.
    """
    configured = configured_address()
    if configured:
        yield configured
        return
    address = f"http://127.0.0.1:{port}/api"
    os.environ["PREFECT_API_URL"] = address
    if answers(address):
        yield address
        return
    with _started_server(home.prefect / "server.log", address, port):
        logger.info("Prefect server: http://127.0.0.1:%d (its log: %s)", port, home.prefect / "server.log")
        yield address


def answers(address: str) -> bool:
    """Return whether a Prefect server answers at an address, such as http://127.0.0.1:4200/api."""
    try:
        return httpx.get(f"{address}/health", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@contextmanager
def server_errors() -> Iterator[None]:
    """Turn a failure of Prefect's server during a flow into a one-line error.

    Raises:
        ConfigurationError: The in-process server did not start, or the configured one does not answer.
    """
    try:
        yield
    except httpx.TransportError as error:
        raise ConfigurationError(
            f"Prefect server: expected an answer, found {error or type(error).__name__}"
        ) from error
    except RuntimeError as error:
        if "server" in str(error).lower() and ("timed out" in str(error).lower() or "start" in str(error).lower()):
            raise ConfigurationError(
                f"Prefect's in-process server: expected it to start, found: {error}; start one with "
                "'prefect server start' and set PREFECT_API_URL=http://127.0.0.1:4200/api"
            ) from error
        raise


@contextmanager
def _started_server(log: Path, address: str, port: int) -> Iterator[None]:
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (
        log.open("ab") as output,
        subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as server,  # noqa: S603
    ):
        try:
            _await(server, address, log)
            yield
        finally:
            server.terminate()


def _await(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline:
        if answers(address):
            return
        if server.poll() is not None:
            raise ConfigurationError(
                f"Prefect server: expected it to start, found exit status {server.returncode}; see {log}"
            )
        time.sleep(0.5)
    raise ConfigurationError(
        f"Prefect server: expected an answer within {SERVER_START_SECONDS} s, found none; see {log}"
    )
