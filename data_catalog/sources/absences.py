"""What a source says of times that it does not have: why, and whether it ever will.

A source adds such statements to the analysis that it opens; an ingest keeps them beside the holes of the archive, and
what a source will never have is not asked for again.
"""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import xarray as xr

from data_catalog.layout.times import iso

_ATTRIBUTE = "absences"


@dataclass(frozen=True)
class Absence:
    """Times that a source does not have.

    Attributes:
        first: First of them, ISO 8601, UTC; empty for all before `last`.
        last: Last of them, inclusive; empty for all after `first`.
        reason: Why, in words.
        never: Whether the source states that it will never have them.
    """

    first: str
    last: str
    reason: str
    never: bool = False

    def covers(self, first: np.datetime64, last: np.datetime64) -> bool:
        """Return whether all times from `first` to `last` are among these.

        Args:
            first: First time.
            last: Last time.
        """
        starts = not self.first or np.datetime64(self.first) <= first
        return bool(starts and (not self.last or last <= np.datetime64(self.last)))


def with_absences(analysis: xr.Dataset, absences: Sequence[Absence]) -> xr.Dataset:
    """Return an analysis that carries what its source says of times that it lacks.

    Args:
        analysis: In canonical layout.
        absences: The statements; of several about one time, the first counts.
    """
    found = [*map(astuple, absences_of(analysis)), *map(astuple, absences)]
    return analysis.assign_attrs({_ATTRIBUTE: json.dumps(found)})


def absences_of(analysis: xr.Dataset) -> tuple[Absence, ...]:
    """Return what the source of an analysis says of times that it lacks.

    Args:
        analysis: In canonical layout.
    """
    return tuple(Absence(*values) for values in json.loads(analysis.attrs.get(_ATTRIBUTE, "[]")))


def absence_at(absences: Sequence[Absence], first: np.datetime64, last: np.datetime64) -> Absence | None:
    """Return the first statement that covers all times from `first` to `last`, or None.

    Args:
        absences: The statements of a source.
        first: First time.
        last: Last time.
    """
    return next((one for one in absences if one.covers(first, last)), None)


def before(first: np.datetime64, stated_by: str) -> Absence:
    """Return the statement that a source has nothing before a time, and never will.

    Args:
        first: First time of the source.
        stated_by: What says so.
    """
    last = str((first - np.timedelta64(1, "s")).astype("datetime64[s]"))
    return Absence("", last, f"the source begins at {iso(first)} ({stated_by})", never=True)
