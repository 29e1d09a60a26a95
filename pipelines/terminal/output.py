"""Output of one process out of several: the first prints, the others only warn."""

import logging
import os
import sys


def is_first_process() -> bool:
    """Whether this is the process that prints: the only one, or the one of rank 0."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """Print a line on stdout, from the first process only."""
    if is_first_process():
        print(text)


class StderrHandler(logging.Handler):
    """Prints log lines on `sys.stderr` as it is when the line comes."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        print(self.format(record), file=sys.stderr, flush=True)
