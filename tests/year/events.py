"""What goes wrong in a year, and on which days: drawn from a seed."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np

from tests.year.weather import Source, at

What = Literal[
    "late", "very late", "missing", "nan", "truncated", "suspect", "outage", "downtime", "full disk", "ahead", "behind"
]
ONCE: tuple[What, ...] = ("nan", "truncated", "suspect", "outage", "downtime", "full disk", "ahead", "behind")
OFTEN: dict[What, float] = {"late": 1 / 15, "very late": 1 / 60, "missing": 1 / 60}
"""Share of the days."""
JUMPS = {"ahead": timedelta(days=3), "behind": timedelta(hours=-6)}
"""By how much the clock of the machine is wrong."""


@dataclass(frozen=True)
class Events:
    """What goes wrong, by day.

    Attributes:
        by_day: At most one event a day.
    """

    by_day: dict[np.datetime64, What]

    @classmethod
    def drawn(cls, first: np.datetime64, days: int, seed: int) -> "Events":
        """Draw events, each kind at least once, none on the first and the last day.

        Args:
            first: The first day.
            days: How many; more than there are kinds of events.
            seed: Selects the days.
        """
        rng = random.Random(seed)
        kinds: list[What] = list(ONCE)
        for what, share in OFTEN.items():
            kinds += [what] * max(1, round(share * days))
        chosen = rng.sample(range(1, days - 1), len(kinds))
        rng.shuffle(kinds)
        return cls({first + day: kind for day, kind in zip(sorted(chosen), kinds, strict=True)})

    def prepare(self, source: Source) -> None:
        """Let a source know when its analyses come, and which are wrong.

        Args:
            source: The source.
        """
        for day, what in self.by_day.items():
            if what in ("late", "very late", "missing"):
                hours = {"late": 9.5, "very late": 20.0}.get(what)
                source.arrivals[at(day)] = None if hours is None else at(day, hours)
            elif what in ("nan", "truncated"):
                source.corrected[at(day)] = at(day, 8.5), what
            elif what == "suspect":
                source.corrected[at(day)] = at(day, 24 * 400), what

    def counts(self) -> Counter[str]:
        """Return how often each kind happens."""
        return Counter(self.by_day.values())
