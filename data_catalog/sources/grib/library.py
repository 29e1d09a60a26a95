"""The ecCodes library, which is an optional part, and the one way to look into a message with it."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from data_catalog.errors import ConfigurationError, InvalidDataError

_LOCK = Lock()
"""ecCodes keeps state of its own: one thread at a time."""
_EDITIONS = (1, 2)
_REMEDY = "pip install 'plumecast[grib]'"


def eccodes(where: str) -> Any:
    """Return the module of ecCodes.

    Args:
        where: File or URL; the error starts with it.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        # Both bundle PROJ, and with some versions a process crashes that loads pyproj's after ecCodes' own.
        importlib.import_module("pyproj")
        return importlib.import_module("eccodes")
    except (ImportError, RuntimeError):
        raise ConfigurationError(
            f"{where}: expected ecCodes to read GRIB with, found none; install it with: {_REMEDY}"
        ) from None


def check_installed(where: str) -> None:
    """Check that GRIB can be read here.

    Args:
        where: File or URL; the error starts with it.

    Raises:
        ConfigurationError: ecCodes is not installed.
    """
    eccodes(where)


class OpenMessage:
    """A message that ecCodes has decoded the header of."""

    def __init__(self, library: Any, handle: int, where: str) -> None:
        self._library = library
        self._handle = handle
        self._where = where

    def text(self, key: str) -> str:
        """Return the value of a key as text; empty if the message has no such key.

        Args:
            key: Name of the key, as ecCodes spells it.
        """
        return str(self._get(key, str, ""))

    def whole(self, key: str) -> int | None:
        """Return the value of a key as a whole number; None if the message has no such key, or its value is missing."""
        found = self._get(key, int, None)
        return None if found is None else int(found)

    def real(self, key: str) -> float:
        """Return the value of a key as a number; NaN if the message has no such key."""
        return float(self._get(key, float, float("nan")))

    def values(self, missing: float) -> Any:
        """Return the values of the field, float64, in the order of the message.

        Args:
            missing: Number that stands for a missing value.
        """
        self._library.codes_set(self._handle, "missingValue", missing)
        return self._library.codes_get_values(self._handle)

    def gaussian_latitudes(self, number: int) -> Any:
        """Return the latitudes of a Gaussian grid from north to south, degrees.

        Args:
            number: Rows between a pole and the equator.
        """
        return self._library.codes_get_gaussian_latitudes(number)

    def _get(self, key: str, kind: type, absent: Any) -> Any:
        library = self._library
        try:
            if not library.codes_is_defined(self._handle, key) or library.codes_is_missing(self._handle, key):
                return absent
            return library.codes_get(self._handle, key, kind)
        except library.CodesInternalError:
            return absent


@contextmanager
def open_message(message: bytes, where: str) -> Iterator[OpenMessage]:
    """Open a message for as long as the context lasts; one thread has one open at a time.

    Args:
        message: All bytes of it.
        where: File or URL, and the field; errors start with it.

    Raises:
        ConfigurationError: ecCodes is not installed.
        InvalidDataError: It cannot be decoded.
    """
    library = eccodes(where)
    with _LOCK:
        handle = None
        try:
            handle = library.codes_new_from_message(message)
            opened = OpenMessage(library, handle, where)
            if opened.whole("edition") not in _EDITIONS:
                raise InvalidDataError(
                    f"{where}: expected a GRIB message of edition 1 or 2, found another or a damaged one"
                )
            yield opened
        except library.CodesInternalError as error:
            raise InvalidDataError(f"{where}: expected a readable GRIB message, found {error}") from error
        finally:
            if handle is not None:
                library.codes_release(handle)
