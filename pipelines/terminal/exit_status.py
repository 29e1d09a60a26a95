"""Turns errors into one line on stderr and an exit status.

0 done; 1 a bug in Plumecast; 2 the user's input, file or configuration is wrong; 3 data is not there yet, try later.
"""

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from data_catalog.errors import MissingDataError, PlumecastError, without_secrets
from data_catalog.storage.disks import FULL_BYTES, as_full_disk, free_bytes, mount_of
from pipelines.terminal.parts import missing_part

DONE, OUR_FAULT, USERS_FAULT, TRY_LATER = 0, 1, 2, 3
INTERRUPTED = 130
LONGEST_LINE = 1000


def exit_status(action: Callable[[], object], *, command: str = "plumecast", debug: bool = False) -> int:
    """Run a command and turn an error into one line on stderr and an exit status.

    Args:
        action: The command.
        command: Name of the command, used in the line about a part that is not installed.
        debug: Whether to print the traceback as well.

    Returns:
        The exit status of the process.
    """
    try:
        action()
    except (KeyboardInterrupt, Exception) as error:
        if debug:
            print(without_secrets(traceback.format_exc()), end="", file=sys.stderr)
        status, line = _status_and_message(error, command)
        sys.stdout.flush()
        print(f"plumecast: {_shortened(' '.join(without_secrets(line).split()))}", file=sys.stderr)
        return status
    return DONE


def _status_and_message(error: BaseException, command: str) -> tuple[int, str]:
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        return INTERRUPTED, "interrupted; the same command continues where it stopped, 'train' with --resume"
    if isinstance(error, MissingDataError):
        return TRY_LATER, str(error)
    if isinstance(error, PlumecastError):
        return USERS_FAULT, str(error)
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        at = getattr(getattr(error, "ctx", None), "command_path", "plumecast")
        return USERS_FAULT, f"{error.format_message().rstrip('.')} (see '{at} --help')"
    if isinstance(error, ModuleNotFoundError) and (missing := missing_part(error)):
        return USERS_FAULT, f"{command}: {missing}"
    if isinstance(error, OSError) and error.errno is not None:
        return USERS_FAULT, _os_fault(error)
    if full := _full_disk():
        return USERS_FAULT, f"disk of {full}: expected room to write, found it full ({type(error).__name__}: {error})"
    return OUR_FAULT, f"bug in Plumecast: {type(error).__name__}: {error} (--debug shows where)"


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..."


def _os_fault(error: OSError) -> str:
    place = error.filename if error.filename is not None else "a file"
    known = _full_disk() if error.filename is None else Path(os.fsdecode(place))
    if known is not None and (full := as_full_disk(error, known)):
        return str(full)
    reason = error.strerror or errno.errorcode.get(error.errno or 0, "unknown")
    wanted = {
        errno.ENOSPC: "room on its disk",
        errno.EDQUOT: "room within the quota",
        errno.EROFS: "a writable directory",
        errno.EACCES: "the right to read or write",
        errno.EPERM: "the right to read or write",
        errno.ENOENT: "an existing path",
    }.get(error.errno or 0, "a usable path")
    return f"{os.fsdecode(place)}: expected {wanted}, found {reason[:1].lower()}{reason[1:]}"


def _full_disk() -> Path | None:
    """Return the mount of a full disk that Plumecast writes to, because errors of NetCDF and HDF5 do not say so."""
    home = Path(os.environ.get("PLUMECAST_HOME") or "plumecast-data")
    prefect = Path(os.environ.get("PREFECT_HOME") or home / "prefect")
    scratch = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())  # the latter leaves out a full one
    places = [home, Path.cwd(), scratch, prefect, *_directories_in(home)]
    return next((mount_of(place) for place in places if free_bytes(place) < FULL_BYTES), None)


def _directories_in(home: Path) -> list[Path]:
    """Return what lies in the home and in its archives, each of which may be on a disk of its own."""
    try:
        return [*home.iterdir(), *(home / "archives").glob("*")]
    except OSError:
        return []
