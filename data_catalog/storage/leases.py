"""A lease on a folder, on disk or in an object store: one machine at a time writes there, and a dead one not for long.

A lease is an object that says who holds it and until when. It is taken and renewed by conditional writes. Whoever held
it may take it again at once, so a process that was killed is followed by its next run without a wait.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from data_catalog.clock import utc_now
from data_catalog.errors import UnreachableError
from data_catalog.storage.folder import Content, Folder

_NAME = ".writer"
"""Hidden from listings."""
_SECONDS = 600.0
_RENEWED_AFTER = 60.0


@contextmanager
def lease(folder: Folder, holder: str) -> Iterator[Callable[[], None]]:
    """Hold the lease on a folder while the block runs; one that an error ends is left to expire.

    Args:
        folder: The folder.
        holder: Who holds it: the same words for every run of the same home, and no other's.

    Yields:
        What renews the lease, to be called as often as there is progress.

    Raises:
        UnreachableError: Another one holds it, or took it because this one was too slow; try again later.
    """
    last = _take(folder, holder)

    def renew() -> None:
        nonlocal last
        if utc_now().timestamp() - last > _RENEWED_AFTER:
            last = _take(folder, holder)

    yield renew
    found = folder.read(_NAME)
    if found is not None and _holder_of(found)[0] == holder:
        folder.delete([_NAME])


def _take(folder: Folder, holder: str) -> float:
    """Take or renew the lease; return when."""
    now, before = utc_now().timestamp(), folder.read(_NAME)
    held_by, until = ("", 0.0) if before is None else _holder_of(before)
    wanted = json.dumps({"holder": holder, "until": now + _SECONDS}).encode()
    if (held_by != holder and until > now) or not folder.put(_NAME, wanted, before):
        when = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if until > now else "now"
        raise UnreachableError(
            f"{folder.place}: expected no other machine writing there, found one that may until {when}; try again later"
        )
    return now


def _holder_of(content: Content) -> tuple[str, float]:
    """Who holds a lease, and until when; nobody if it cannot be read."""
    try:
        found = json.loads(content.body)
        return str(found["holder"]), float(found["until"])
    except (ValueError, LookupError, TypeError):
        return "", 0.0
