"""The `plumecast` command: `python -m pipelines` runs it, and so does each process that shares a command's work."""

import sys

from pipelines.terminal.processes import die_with_launcher


def main() -> int:
    """Run the command line.

    Returns:
        The exit status.
    """
    die_with_launcher()
    from pipelines.cli.app import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
