"""Forms of the archive that is damaged: single analyses or ensembles, with holes or not, with a twin or not."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.series import make_series
from data_catalog.archive.series_reading import open_series
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import PlumecastError
from data_catalog.layout.variables import channel
from data_catalog.sources.absences import Absence, with_absences
from tests.archive_damage.damages import Earlier, contents
from tests.archive_damage.tiny import ENTRY, PARTS, make_analysis

ARCHIVE = "tiny.zarr"
_LACKING = (4, 8)
_LATE = 7
"""Time that only the last ingest brings; it fills a hole."""
_NEVER = Absence("2001-01-05", "2001-01-05", "the source says that it lost this day", never=True)


@dataclass(frozen=True)
class Form:
    """What an archive is like.

    Attributes:
        members: Number of members of each analysis; 0 for single analyses.
        holes: Whether times are lacking, one of which the source will never have, and one came late.
        twin: Whether there is a twin for point series beside it.
    """

    members: int = 0
    holes: bool = False
    twin: bool = False

    @property
    def name(self) -> str:
        """The form in words."""
        words = {"members": self.members, "holes": self.holes, "twin": self.twin}
        return " + ".join(word for word, there in words.items() if there) or "plain"

    @property
    def entry(self) -> DatasetEntry:
        """The dataset."""
        return DatasetEntry.model_validate({**ENTRY.model_dump(), "members": self.members or None})

    def whole(self) -> xr.Dataset:
        """All that the source has, always the same."""
        return self._some(np.arange(ENTRY_TIMES))

    def part(self, number: int) -> xr.Dataset:
        """What the source has when an ingest asks it.

        Args:
            number: Number of the ingest.
        """
        chosen = np.arange(*PARTS[number])
        is_late = self.holes and number < len(PARTS) - 1
        return self._some(chosen[chosen != _LATE] if is_late else chosen)

    def _some(self, indices: np.ndarray) -> xr.Dataset:
        analysis = make_analysis()
        if self.members:
            analysis = _ensemble(analysis, self.members)
        if not self.holes:
            return analysis.isel(time=indices)
        return with_absences(analysis.isel(time=indices[~np.isin(indices, _LACKING)]), [_NEVER])

    def make(self, place: Path) -> Earlier:
        """Make the archive, in three ingests.

        Args:
            place: Directory in which it and its twin are made.

        Returns:
            The files before the last ingest.
        """
        place.mkdir(exist_ok=True)
        earlier = Earlier({})
        for number in range(len(PARTS)):
            earlier = Earlier(contents(place))
            ingest(self.entry, self.part(number), place / ARCHIVE)
            if self.twin:
                make_series(place / ARCHIVE)
        return earlier

    def has_wrong_values(self, place: Path) -> bool:
        """Return whether reading gives values that were not ingested; an error is right.

        Args:
            place: Directory of the archive and its twin.
        """
        openings = (open_archive, open_series) if self.twin else (open_archive,)
        for opening in openings:
            try:
                found = opening(place / ARCHIVE).load()
            except PlumecastError:
                continue
            expected = self.whole().sel(time=found["time"])
            places = [name for name in ("time", "member", "latitude", "longitude") if name in expected.coords]
            same = all(found[name].values.tobytes() == expected[name].values.tobytes() for name in expected.data_vars)
            if not same or not all(found[name].equals(expected[name]) for name in places):
                return True
        return False


def _ensemble(analysis: xr.Dataset, count: int) -> xr.Dataset:
    """Members that differ from each other, numbered 0, 2, 4 ..."""
    numbers = np.arange(count) * 2
    fields = analysis[["msl", "t2m"]]
    made = xr.concat([fields + np.float32(number) for number in numbers], "member", join="exact")
    made = made.transpose("time", "member", "latitude", "longitude").assign_coords(member=numbers)
    for name in fields:
        made[name].attrs = channel(str(name)).attributes
    return made.assign(lsm=analysis["lsm"])


ENTRY_TIMES = PARTS[-1][1]
FORMS = tuple(Form(members, holes, twin) for members in (0, 3) for holes in (False, True) for twin in (False, True))


def chosen_form(rng: random.Random) -> Form:
    """Choose a form at random.

    Args:
        rng: Generator of the seed.
    """
    return rng.choice(FORMS)
