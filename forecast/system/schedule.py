"""The schedule section of the system file: which cycles are due, and what happens when data or machines are late."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from data_catalog.layout.times import FIRST_YEAR, LAST_YEAR
from forecast.system.section import NotNegative, Positive, Section


def _in_utc(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"expected a time in {FIRST_YEAR} to {LAST_YEAR}, found {moment}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Schedule(Section):
    """When the scheduler runs a cycle, and which cycles are due."""

    cron: str = "0 6 * * *"
    """Time of each run, UTC."""
    every_hours: Positive = 24
    """Hours between the init times of successive cycles."""
    since: Annotated[datetime, AfterValidator(_in_utc)] | None = None
    """Init time of the first cycle that is due, UTC; None for that of the first cycle that is run."""
    catch_up: Literal["latest", "all"] | Positive = "latest"
    """Which cycles are made when several are due after an outage: the latest, all, or this many of the latest."""
    wait_hours: NotNegative = 6.0
    """Hours that a cycle waits for its analysis beyond the time at which analyses usually arrive; then it is late."""
    allow_suspect: bool = False
    """Whether cycles start from an analysis that the checks suspect."""
    source: str | None = Field(default=None, exclude=True)
    """Absolute path or URL that cycles ingest from; None for the place that the dataset names. No run says it."""

    @property
    def first_init_time(self) -> np.datetime64 | None:
        """Init time of the first cycle that is due, where the file names one."""
        return None if self.since is None else np.datetime64(self.since.replace(tzinfo=None), "ns")
