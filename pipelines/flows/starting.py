"""Starting a flow by hand."""

from collections.abc import Callable
from typing import TypeVar

from data_catalog.errors import ConfigurationError

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
