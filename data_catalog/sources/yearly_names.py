"""Files whose names tell a year: of decades of them, only those of a period need to be opened."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import xarray as xr

from data_catalog.sources.locations import Location

_YEAR = re.compile(r"(?<!\d)(1[6-9]\d\d|2[0-2]\d\d)(?!\d)")
_BESIDE = 1
"""A file may hold times of the years beside its own, such as midnight of the last day."""
Years = tuple[int, int]


def year_of(place: Location | str) -> int | None:
    """Return the year in the name of a file; None if there is none, or more than one.

    Args:
        place: Path or URL.
    """
    found = _YEAR.findall(PurePosixPath(str(place)).name)
    return int(found[0]) if len(found) == 1 else None


def of_years(places: Sequence[Location], years: Years) -> list[Location]:
    """Return the files that may hold times of some years, and a few to tell by whether names are to be believed.

    Args:
        places: Paths or URLs.
        years: First and last year.

    Returns:
        Those named for these years and the ones beside, those whose names tell no year, and the first and last of the
        others; all of them, if no file is named for any of these years.
    """
    first, last = years[0] - _BESIDE, years[1] + _BESIDE
    named = [year_of(place) for place in places]
    if not any(year is not None and years[0] <= year <= years[1] for year in named):
        return list(places)
    others = [at for at, year in enumerate(named) if year is not None and not first <= year <= last]
    return [place for at, place in enumerate(places) if at not in others[1:-1]]


def are_named_rightly(opened: Sequence[tuple[str, xr.Dataset]]) -> bool:
    """Return whether files hold times of the years that their names tell.

    Args:
        opened: Name and content of each file.
    """
    for name, dataset in opened:
        year = year_of(name)
        if year is not None and "time" in dataset.coords and dataset["time"].size:
            years = np.unique(dataset["time"].values.astype("datetime64[Y]").astype(int) + 1970)
            if year not in years or years.min() < year - _BESIDE or years.max() > year + _BESIDE:
                return False
    return True
