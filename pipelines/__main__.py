"""The `plumecast` command: `python -m pipelines` runs it, also for each of several processes of one command."""

import sys
from contextlib import nullcontext

from forecast.products.plots.second_process import drawing_beside
from pipelines.cli import app
from pipelines.terminal.output import is_first_process
from pipelines.terminal.tied import die_with_launcher

DRAWING_COMMANDS = ("cycle", "demo", "forecast", "report", "verify")


def main() -> int:
    """Run the command line and return its exit status."""
    die_with_launcher()
    with drawing_beside() if _draws(sys.argv[1:]) else nullcontext():
        return app.main()


def _draws(words: list[str]) -> bool:
    """Return whether this process draws figures. One that only starts others leaves that to the first of them."""
    command = next((word for word in words if not word.startswith("-")), None)
    if command not in DRAWING_COMMANDS or not is_first_process():
        return False
    return not any(word == "--help" or word.startswith("--processes") for word in words)


if __name__ == "__main__":
    sys.exit(main())
