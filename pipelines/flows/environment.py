"""Settings that Prefect reads when it is imported; this module does not import Prefect."""

import logging
import os
import tomllib
from pathlib import Path

from pipelines.terminal.output import StderrHandler
from pipelines.workspace.home import Home

FLOW_NAME = "plumecast-cycle"
HEARTBEAT_SECONDS = 30
KEPT_DAYS = 30
SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # Without heartbeats, a flow run whose process is killed stays RUNNING for ever.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
    # A server that ends forgets leases that it keeps in memory, and what a killed flow held of a limit stays taken.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # Prefect keeps flow runs with their logs and artifacts for ever by default.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(KEPT_DAYS * 86400),
    "PREFECT_LOGGING_EXTRA_LOGGERS": "plumecast",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}


def prepare_prefect(home: Home) -> None:
    """Set Prefect's environment variables, unless the user has set them; call before importing Prefect.

    Unless the user has configured Prefect (an API address, a home or a profile), its state is stored in this home.

    Args:
        home: The home directory.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    if not has_own_prefect():
        home.prefect.mkdir(parents=True, exist_ok=True)  # Prefect does not create parents
        os.environ["PREFECT_HOME"] = str(home.prefect)
    # Prefect prints the lines of this logger and sends them to its server; our own handler would print them twice.
    logger = logging.getLogger("plumecast")
    logger.handlers[:] = [handler for handler in logger.handlers if not isinstance(handler, StderrHandler)]


def has_own_prefect() -> bool:
    """Return whether the user has configured Prefect: an address, a home directory or a profile."""
    variables = ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE")
    return any(os.environ.get(name) for name in variables) or _profiles().exists()


def configured_address() -> str | None:
    """Return the API address that the user has configured, in the environment or in the active profile."""
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
