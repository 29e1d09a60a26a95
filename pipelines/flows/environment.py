"""Settings that Prefect reads when it is imported; this module imports none of it."""

import logging
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from data_catalog.errors import ConfigurationError
from pipelines.terminal.output import StderrHandler
from pipelines.workspace.home import Home

HEARTBEAT_SECONDS = 30
SETTINGS = {
    # A busy machine takes longer than Prefect's 20 s to start the in-process server.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # A flow run whose process is killed stays RUNNING for ever unless its heartbeats are watched.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
    "PREFECT_LOGGING_EXTRA_LOGGERS": "plumecast",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}


def prepare_prefect(home: Home) -> None:
    """Set what Prefect needs here, unless the user has set it; call before importing Prefect.

    Without a Prefect of the user's own (an API address, a home or a profile), its state lives in this home.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    if not has_own_prefect():
        home.prefect.mkdir(parents=True, exist_ok=True)  # Prefect itself makes no parents
        os.environ["PREFECT_HOME"] = str(home.prefect)
    # Prefect prints what this logger is told and sends it to its server; our own handler would print it twice.
    logger = logging.getLogger("plumecast")
    logger.handlers[:] = [handler for handler in logger.handlers if not isinstance(handler, StderrHandler)]


def has_own_prefect() -> bool:
    """Whether the user has set Prefect up: an address, a home directory or a profile."""
    variables = ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE")
    return any(os.environ.get(name) for name in variables) or _profiles().exists()


def configured_address() -> str | None:
    """Address of the API of a server that the user has set up, in the environment or in the active profile."""
    if os.environ.get("PREFECT_API_URL"):
        return os.environ["PREFECT_API_URL"]
    try:
        profiles = tomllib.loads(_profiles().read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return None
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active")
    address = profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL")
    return str(address) if address else None


def _profiles() -> Path:
    return Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect") / "profiles.toml"


R = TypeVar("R")


def with_server(run: Callable[[], R]) -> R:
    """Run a flow, and say it plainly when Prefect's server is what fails.

    Raises:
        ConfigurationError: The in-process server did not start, or the configured one does not answer.
    """
    import httpx

    try:
        return run()
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
