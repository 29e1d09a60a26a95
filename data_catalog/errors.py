"""Faults that a user or an operator can mend.

    PlumecastError
    ├── ConfigurationError   a system file, option or name is wrong: mend it (exit status 2)
    ├── InvalidDataError     data is there but wrong: retrying cannot help (exit status 2)
    │   └── DivergedError    a forecast or a training that left the numbers
    └── MissingDataError     data is not there yet: try later (exit status 3)

Each message is one line that names the thing, what was expected and what was found.
"""


class PlumecastError(Exception):
    """A fault outside our own code, told in one line."""


class ConfigurationError(PlumecastError):
    """A system file, an option or a name is wrong."""


class InvalidDataError(PlumecastError):
    """Data exists but must not be believed; retrying cannot help."""


class DivergedError(InvalidDataError):
    """A forecast or a training whose values are no longer finite."""


class MissingDataError(PlumecastError):
    """Data does not exist yet; the same request may succeed later."""
