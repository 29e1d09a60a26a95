"""TODO: pipelines/terminal/output.py."""

import logging
import os
import sys


def is_first_process() -> bool:
    """Whether this process is the one that tells its user what happens."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """Print a line, once for all processes."""
    if is_first_process():
        print(text)


class StderrHandler(logging.Handler):
    """Prints log lines on whatever stderr is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        print(self.format(record), file=sys.stderr, flush=True)
