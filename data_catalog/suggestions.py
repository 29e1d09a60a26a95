"""What somebody probably meant who wrote a name that does not exist."""

import difflib
from collections.abc import Iterable


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """Return the end of an error message: ` (did you mean 'z500'?)`, or nothing if no known name is like the one found.

    Args:
        found: The name that does not exist.
        known: The names that do.
    """
    names = {name.lower(): name for name in known}
    alike = difflib.get_close_matches(found.lower(), list(names), n=1)
    return f" (did you mean '{names[alike[0]]}'?)" if alike else ""
