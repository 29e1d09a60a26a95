"""Errors that a user or an operator can fix.

    PlumecastError
    ├── ConfigurationError   a system file, option or name is wrong: correct it (exit status 2)
    │   └── FullDiskError        there is no room to write: make some
    ├── InvalidDataError     data exists but is wrong: retrying cannot help (exit status 2)
    │   ├── NeverAvailableError  its source states that it will never have it
    │   ├── DefiniteFaultError   it arrived whole and is wrong all the same
    │   └── DivergedError    values of a forecast or a training are no longer finite
    └── MissingDataError     data is not there yet: try later (exit status 3)
        └── UnreachableError     who has it gives no answer, or it is locked: this says nothing about the data

Each message is one line that names the thing, what was expected and what was found. It never holds credentials.
"""

import re
from pathlib import Path

_URL = re.compile(r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]*:/{1,2})(?P<rest>[^\s'\"<>]+)")
_PORT_OR_NONE = re.compile(r"[^:]*(:\d*)?|\[[^]]*\](:\d*)?")


def without_secrets(text: str) -> str:
    """Return a text without what URLs in it may hold of secrets: user, password, query and fragment.

    Args:
        text: Any text; what is no URL stays as it is.
    """
    return _URL.sub(lambda found: found["scheme"] + _public(found["rest"]), text)


def _public(rest: str) -> str:
    """Return a URL after its scheme without user, password, query and fragment."""
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        rest = authority.rpartition("@")[2] + slash + path
    elif "@" in rest and not _PORT_OR_NONE.fullmatch(re.split(r"[?#]", authority)[0]):
        rest = rest.rpartition("@")[2]  # a password with a slash, a question mark or a number sign
    public = re.split(r"[?#]", rest, maxsplit=1)[0]
    query = rest[len(public) :]
    hidden = query.rstrip("),.:;")
    # A text may come here twice: nothing is hidden by what already stands for something hidden.
    return public + (query if hidden in ("", "?", "#") else "?..." + query[len(hidden) :])


class PlumecastError(Exception):
    """An error with a cause outside Plumecast's code; its message is one line, without credentials of URLs."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*(without_secrets(part) if isinstance(part, str) else part for part in parts))


class ConfigurationError(PlumecastError):
    """A system file, an option or a name is wrong."""


class FullDiskError(ConfigurationError):
    """A disk has no room for what is to be written; the same request succeeds once there is room.

    Attributes:
        mount: Directory at which the disk is mounted.
    """

    def __init__(self, message: str, mount: Path = Path("/")) -> None:
        super().__init__(message)
        self.mount = mount


class InvalidDataError(PlumecastError):
    """Data exists but is wrong; retrying cannot help."""


class NeverAvailableError(InvalidDataError):
    """Data that its source states it does not have and never will."""


class DefiniteFaultError(InvalidDataError):
    """Content that arrived whole, was understood, and is wrong: asking its store again would bring the same."""


class DivergedError(InvalidDataError):
    """A forecast or a training whose values are no longer finite."""


class MissingDataError(PlumecastError):
    """Data does not exist yet; the same request may succeed later."""


class UnreachableError(MissingDataError):
    """What may have the data gives no answer, or is in use by another process: this says nothing about the data."""
