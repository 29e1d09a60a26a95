"""Errors that a user or an operator can fix.

    PlumecastError
    ├── ConfigurationError   a system file, option or name is wrong: correct it (exit status 2)
    ├── InvalidDataError     data exists but is wrong: retrying cannot help (exit status 2)
    │   └── DivergedError    values of a forecast or a training are no longer finite
    └── MissingDataError     data is not there yet: try later (exit status 3)

Each message is one line that names the thing, what was expected and what was found.
"""


class PlumecastError(Exception):
    """An error with a cause outside Plumecast's code; its message is one line."""


class ConfigurationError(PlumecastError):
    """A system file, an option or a name is wrong."""


class InvalidDataError(PlumecastError):
    """Data exists but is wrong; retrying cannot help."""


class DivergedError(InvalidDataError):
    """A forecast or a training whose values are no longer finite."""


class MissingDataError(PlumecastError):
    """Data does not exist yet; the same request may succeed later."""
