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
