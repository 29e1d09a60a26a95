"""The `plumecast` command: `python -m pipelines` runs it, and so does each process that shares a command's work."""

import sys

from pipelines.cli import app
from pipelines.terminal.processes import die_with_launcher


def main() -> int:
    """Run the command line.

    Returns:
        The exit status.
    """
    die_with_launcher()
    return app.main()


if __name__ == "__main__":
    sys.exit(main())
