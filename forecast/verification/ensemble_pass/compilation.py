"""Compile functions with numba at first use, and keep the machine code on disk for as long as its sources are the same.

Numba itself looks at the file that a function stands in, and would go on using machine code after a change in the
other files that were compiled into it. So it is kept in a folder that is named for the content of all of them.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])
SOURCES = Path(__file__).parent
settings: Any = numba.config
_lock = threading.Lock()
_kept: list[Any] = []


def compiled(function: Function, signature: Any = None) -> Function:
    """Compile a function at its first call, or now if the types of its arguments are given.

    Args:
        function: Function within what numba understands.
        signature: Numba's signature; arguments of other types are converted to it. None compiles for whatever types
            come.
    """
    directory = cache_directory()
    with _lock, _caching_in(directory):
        compiler = numba.njit(signature, cache=directory is not None, nogil=True, error_model="numpy")
        return cast(Function, compiler(function))


def address_of(function: Callable[..., Any], signature: Any) -> int:
    """Compile a function now and for good, to be called by its address from other compiled code.

    Args:
        function: Function within what numba understands.
        signature: Numba's signature.
    """
    directory = cache_directory()
    with _lock, _caching_in(directory):
        made: Any = numba.cfunc(signature, cache=directory is not None, error_model="numpy")(function)
    _kept.append(made)
    return int(made.address)


def source_hash(sources: Path = SOURCES) -> str:
    """Hash of all sources that machine code is compiled from.

    Args:
        sources: Directory of the Python files.
    """
    digest = hashlib.sha256()
    for path in sorted(sources.glob("*.py")):
        digest.update(f"{path.name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def cache_directory() -> Path | None:
    """Directory for machine code of the present sources; None where no place can be written.

    It lies in the first of these that can be written: the directory that `NUMBA_CACHE_DIR` names, `__pycache__` beside
    the sources, and the user's cache directory.
    """
    places = [Path(settings.CACHE_DIR)] if settings.CACHE_DIR else []
    places.append(SOURCES / "__pycache__")
    with suppress(RuntimeError):  # the user has no home directory
        places.append(Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "plumecast")
    for place in places:
        directory = place / f"compiled-{source_hash()}"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=directory).close()
        except OSError:
            continue
        return directory
    return None


@contextmanager
def _caching_in(directory: Path | None) -> Iterator[None]:
    """Let numba keep what is compiled within the block in a directory of ours."""
    before = settings.CACHE_DIR
    settings.CACHE_DIR = before if directory is None else str(directory)
    try:
        yield
    finally:
        settings.CACHE_DIR = before
