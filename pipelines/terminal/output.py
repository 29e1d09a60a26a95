"""Output of several processes of one command: the first prints, the others only warn."""

import logging
import os
import sys

from data_catalog.errors import without_secrets


def is_first_process() -> bool:
    """Return whether this is the process that prints: the only one, or that of rank 0."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """Print a line on stdout, in the first process only."""
    if is_first_process():
        print(text)


class StderrHandler(logging.Handler):
    """Prints log lines on the current `sys.stderr`, which may be replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one log record."""
        print(self.format(record), file=sys.stderr, flush=True)


class SecretFreeRecord(logging.LogRecord):
    """A log record whose message holds no credentials of URLs, whoever handles it."""

    def getMessage(self) -> str:  # noqa: N802, the name in the standard library
        """Return the message."""
        return without_secrets(super().getMessage())


def log_to_stderr(*, debug: bool = False) -> None:
    """Print what Plumecast logs on stderr: everything from the first process, warnings from the others.

    Args:
        debug: Whether the first process also prints what is only of use in finding a fault.
    """
    logging.setLogRecordFactory(SecretFreeRecord)
    logger = logging.getLogger("plumecast")
    logger.setLevel(logging.DEBUG if debug else logging.INFO if is_first_process() else logging.WARNING)
    if not any(isinstance(handler, StderrHandler) for handler in logger.handlers):
        handler = StderrHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
        logger.addHandler(handler)
