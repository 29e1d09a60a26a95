"""Finds or starts the Prefect server, and turns its failures into one line; this module does not import Prefect."""

import logging
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from data_catalog.errors import ConfigurationError
from pipelines.flows.environment import configured_address
from pipelines.terminal.processes import free_port
from pipelines.terminal.tied import launcher_variable, tied_command
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")
SERVER_START_SECONDS = 120
_NOT_FOR_ONE_FLOW = (
    "CANCELLATION_CLEANUP", "CLEANUP_RECONCILER", "FOREMAN", "LATE_RUNS", "PAUSE_EXPIRATIONS", "SCHEDULER", "TRIGGERS",
)  # fmt: skip
FOR_ONE_FLOW = {
    "PREFECT_SERVER_UI_ENABLED": "false",
    **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _NOT_FOR_ONE_FLOW},
}
"""Makes a server do without page and schedules; what frees the slots of killed flows stays, other than in the servers
that Prefect itself starts for a single flow."""


@contextmanager
def prefect_server(home: Home, port: int) -> Iterator[str]:
    """Provide a running server: the configured one, one that already runs on this port, or one started here.

    Prefect reads the address when it is first imported, so import it within this context.

    Args:
        home: Home directory, for the log of a server that is started here.
        port: Port on this machine, unless a server is configured.

    Yields:
        The address of the API. A server that was started here is stopped at the end, and ends with this process.

    Raises:
        ConfigurationError: The server does not answer.
    """
    address = _known_address(port)
    if address is not None:
        yield address
        return
    with _started_server(home.prefect / "server.log", port) as address:
        logger.info("Prefect server: http://127.0.0.1:%d (its log: %s)", port, home.prefect / "server.log")
        yield address


@contextmanager
def short_lived_server(home: Home) -> Iterator[str]:
    """Provide a server for a single flow: the configured one, or one on a free port without page and schedules.

    Prefect reads the address when it is first imported, so import it within this context. A server that Prefect itself
    starts for a flow would outlive a flow that is killed.

    Args:
        home: Home directory, for the log of a server that is started here.

    Yields:
        The address of the API. A server that was started here is stopped at the end, and ends with this process.

    Raises:
        ConfigurationError: The server does not answer.
    """
    with server_errors():
        configured = configured_address()
        if configured is not None:
            yield configured
            return
        os.environ["PREFECT_UI_URL"] = ""  # there is no page, so that no line says where to view it
        try:
            with _started_server(home.prefect / "server.log", free_port(), FOR_ONE_FLOW) as address:
                yield address
        finally:
            os.environ.pop("PREFECT_UI_URL", None)


def _known_address(port: int) -> str | None:
    """Return the address of the configured server, or of one that runs on a port already."""
    configured = configured_address()
    if configured is not None:
        return configured
    address = f"http://127.0.0.1:{port}/api"
    if not answers(address):
        return None
    os.environ["PREFECT_API_URL"] = address
    return address


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
        ConfigurationError: The server does not answer.
    """
    try:
        yield
    except httpx.TransportError as error:
        raise ConfigurationError(
            f"Prefect server: expected an answer, found {error or type(error).__name__}"
        ) from error


@contextmanager
def _started_server(log: Path, port: int, variables: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start a server, and make Prefect use it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    address = f"http://127.0.0.1:{port}/api"
    command = tied_command(["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)])
    environment = {**os.environ, **launcher_variable(), **(variables or {})}
    os.environ["PREFECT_API_URL"] = address
    with (
        log.open("ab") as output,
        subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True) as server,  # noqa: S603
    ):
        try:
            _await(server, address, log)
            yield address
        finally:
            server.terminate()
            os.environ.pop("PREFECT_API_URL", None)


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
