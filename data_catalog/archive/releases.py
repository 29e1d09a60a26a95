"""Which times of an archive are preliminary, as its source said when they came, and when it may have the final ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.clock import utc_now
from data_catalog.sources.releases import preliminary_of

FINAL_AFTER_DAYS = 62
"""Days after which final values may be there: ERA5 follows its preliminary release after two to three months."""
_MOST_WINDOWS = 8


@dataclass
class Releases:
    """The preliminary times that a ledger records.

    Attributes:
        preliminary: The times, ISO 8601, to the second.
    """

    preliminary: set[str] = field(default_factory=set)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take up a record of the ledger, as made by `record_of`."""
        self.preliminary -= set(record["final"])
        self.preliminary |= set(record["preliminary"])

    def record_of(self, analysis: xr.Dataset) -> dict[str, Any] | None:
        """Return what the ledger is to record once an analysis has been ingested; None if it says so already.

        Args:
            analysis: As its source opened it.
        """
        said = preliminary_of(analysis)
        if said is None:
            return None
        times = set(_texts(analysis["time"].values))
        new, final = set(_texts(said)) - self.preliminary, (times - set(_texts(said))) & self.preliminary
        if not new and not final:
            return None
        return {"record": "releases", "preliminary": sorted(new), "final": sorted(final)}

    def wanted(self) -> list[tuple[np.datetime64, np.datetime64]]:
        """Return what to ask for again, as final values may be there: first and last time of at most 8 months."""
        latest = np.datetime64(utc_now().replace(tzinfo=None), "ns") - np.timedelta64(FINAL_AFTER_DAYS, "D")
        times = np.array(sorted(self.preliminary), "datetime64[ns]")
        old = times[times <= latest]
        months = np.unique(old.astype("datetime64[M]"))[:_MOST_WINDOWS]
        return [(of_month.min(), of_month.max()) for of_month in (old[old.astype("M8[M]") == one] for one in months)]


def _texts(times: NDArray[np.datetime64]) -> list[str]:
    return [str(time) for time in times.astype("datetime64[s]")]
