"""The `plumecast` command: `python -m pipelines` runs it, also for each of several processes of one command."""

import sys

from pipelines.cli import app
from pipelines.terminal.tied import die_with_launcher


def main() -> int:
    """Run the command line and return its exit status."""
    die_with_launcher()
    return app.main()


if __name__ == "__main__":
    sys.exit(main())
