"""Asks a remote store again: an outage is waited out, and an answer that looks wrong is asked for a few times.

Waits double from a fraction of a second to a minute, each shortened at random so that many readers do not ask at once.
"""

import logging
import os
import random
import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from obstore.exceptions import BaseError as ObjectStoreError
from obstore.exceptions import NotFoundError, PermissionDeniedError, UnauthenticatedError

from data_catalog.errors import (
    ConfigurationError,
    DefiniteFaultError,
    InvalidDataError,
    MissingDataError,
    PlumecastError,
    UnreachableError,
    without_secrets,
)

VARIABLE = "PLUMECAST_PATIENCE"
"""Environment variable: for how many seconds an outage of a remote store is waited out."""
TWICE_VARIABLE = "PLUMECAST_READ_TWICE"
"""Environment variable: share of the chunks of a remote store that are read twice and compared, from 0 to 1."""
_LOG = logging.getLogger(__name__)
_REFUSED = (PermissionDeniedError, UnauthenticatedError)
_STATUS = re.compile(r"[Ss]tatus:? (?:code )?(\d{3})")
_PASSING_STATUS = frozenset({"408", "425", "429", "500", "502", "503", "504"})
_WORDS = {
    "timed out": "no answer in time",
    "dns": "an unknown host",
    "refused": "a refused connection",
    "onnect": "no connection",
    "decoding response body": "an answer that was cut off",
    "reset": "a connection that was reset",
}
T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """For how long and how often to ask.

    Attributes:
        outage_s: Seconds for which an outage is waited out.
        first_wait_s: Seconds before asking again for the first time; then twice as long each time.
        longest_wait_s: Longest wait, in seconds.
        asks: How often to ask in all for what looks wrong: an absent or unreadable chunk, a refusal.
        read_twice: Share of chunks that are read twice, to find bytes that were changed on the way.
    """

    outage_s: float = 600.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    asks: int = 4
    read_twice: float = 1 / 32

    def reads_twice(self, key: str) -> bool:
        """Return whether a chunk is in the sample that is read twice; always the same for a key.

        Args:
            key: Name of the chunk in its store.
        """
        return zlib.crc32(key.encode()) < self.read_twice * 2**32

    def at_most(self, outage_s: float) -> "Patience":
        """Return this patience with outages waited out for at most so many seconds."""
        return replace(self, outage_s=min(self.outage_s, outage_s))

    def waits(self) -> Iterator[float]:
        """Yield the seconds to wait before each further request, without end."""
        wait = self.first_wait_s
        while True:
            yield random.uniform(0.5, 1.0) * wait  # noqa: S311, no secret
            wait = min(2 * wait, self.longest_wait_s)


def patience_for(location: str) -> Patience | None:
    """Return the patience with a location, or None for a local one.

    Args:
        location: Path or URL.

    Raises:
        ConfigurationError: `PLUMECAST_PATIENCE` or `PLUMECAST_READ_TWICE` is not such a number.
    """
    scheme, separator, _ = location.partition("://")
    if not separator or scheme.lower() == "file":
        return None
    outage_s = _number(VARIABLE, "a number of seconds", Patience.outage_s, np.inf)
    return Patience(outage_s, read_twice=_number(TWICE_VARIABLE, "a share from 0 to 1", Patience.read_twice, 1.0))


def _number(variable: str, expected: str, default: float, largest: float) -> float:
    given = os.environ.get(variable) or str(default)
    try:
        number = float(given)
    except ValueError:
        number = np.nan
    if not 0 <= number <= largest:
        raise ConfigurationError(f"{variable}: expected {expected}, found {given!r}")
    return number


def ask(read: Callable[[], T], patience: Patience | None, what: str) -> T:
    """Return the result of a read, which is repeated while that may help.

    Args:
        read: Reads something, and raises an error if it cannot.
        patience: How often and how long to ask; None to ask once.
        what: What is read; the log line about an outage starts with it.

    Raises:
        Exception: The last error of `read`.
    """
    if patience is None:
        return read()
    started, said = time.monotonic(), False
    for number, wait in enumerate(patience.waits(), 1):
        try:
            return read()
        except Exception as error:
            left = patience.outage_s - (time.monotonic() - started)
            worth_it = wait <= left if is_outage(error) else is_doubtful(error) and number < patience.asks
            if not worth_it:
                raise
            if is_outage(error) and not said:
                said = True
                _LOG.warning("%s: %s; asking again for up to %.0f s", without_secrets(what), happened(error), left)
        time.sleep(wait)
    raise AssertionError("waits have no end")


def is_outage(error: BaseException) -> bool:
    """Return whether an error may pass by itself: a lost connection, a time-out, a busy server.

    Args:
        error: Error of a read, or of what a read led to.
    """
    cause = _of_store(error)
    if isinstance(cause, (*_REFUSED, NotFoundError)):
        return False
    status = _STATUS.search(str(cause))
    return cause is not None and (status is None or status[1] in _PASSING_STATUS)


def is_doubtful(error: BaseException) -> bool:
    """Return whether an error may be that of a single answer: a refusal, an absent chunk, one that cannot be decoded.

    Args:
        error: Error of a read. What is missing has been asked for often enough by whoever says so, and what arrived
            whole would arrive the same.
    """
    return not isinstance(error, (ConfigurationError, DefiniteFaultError, MissingDataError)) or is_refusal(error)


def is_refusal(error: BaseException) -> bool:
    """Return whether a store refused to answer for want of permission.

    Args:
        error: Error of a read, or of what a read led to.
    """
    return isinstance(_of_store(error), _REFUSED)


def explained(error: Exception, what: str, expected: str, *, to: str = "read") -> PlumecastError:
    """Return the error to raise for a failed request.

    Args:
        error: Last error of the request.
        what: What was read or written; the message starts with it.
        expected: What was expected, if the store answered.
        to: What was asked for: `read`, `write` or `delete`.
    """
    if is_refusal(error):
        return ConfigurationError(
            f"{what}: expected permission to {to}, found a refusal (HTTP 401 or 403); correct address or credentials"
        )
    if is_outage(error):
        return UnreachableError(f"{what}: expected an answer, found {happened(error)}; try again later")
    return InvalidDataError(f"{what}: expected {expected}, found {happened(error)}")


def happened(error: BaseException) -> str:
    """Return what an error says, in a few words.

    Args:
        error: Error of a read.
    """
    cause = _of_store(error)
    text = without_secrets(" ".join(str(error if cause is None else cause).split())) or type(error).__name__
    if cause is not None:
        status = _STATUS.search(text)
        if status:
            return f"HTTP status {status[1]}"
        text = next((words for part, words in _WORDS.items() if part in text), text)
    return text if len(text) <= 200 else text[:197] + "..."


def _of_store(error: BaseException | None) -> ObjectStoreError | None:
    """Return the error of the object store that led to an error, if one did."""
    while error is not None and not isinstance(error, ObjectStoreError):
        error = error.__cause__
    return error
