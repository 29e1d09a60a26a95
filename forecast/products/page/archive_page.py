"""The page of an archive, a self-contained HTML file: what is there, what is suspect and why, and where it is from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_catalog.catalog import DatasetEntry
from forecast.products.page.archive_charts import Calendar, RangeChart
from forecast.products.page.rendering import as_data_url, write_page
from forecast.products.page.score_tables import PLAIN_UNITS
from forecast.products.plots.figures import clock
from forecast.products.plots.styles import style_of, title_of

Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ShownMap:
    """A map.

    Attributes:
        picture: The PNG.
        heading: What it is of, in a few words.
        words: More about it; empty if there is nothing to say.
    """

    picture: Path
    heading: str
    words: str = ""

    @property
    def source(self) -> str:
        """The picture as a data URL."""
        return as_data_url(self.picture)


@dataclass(frozen=True)
class ShownChannel:
    """A channel of an archive.

    Attributes:
        name: Name of the channel.
        calendar: Verdicts on its times.
        chart: Its values over time; None of an archive without times.
        bounds: What is believable, and how near the values come, in words.
        maps: First and last time, suspect times and what was there before.
    """

    name: str
    calendar: Calendar
    chart: RangeChart | None
    bounds: str
    maps: Sequence[ShownMap]

    @property
    def title(self) -> str:
        """The channel in words."""
        return title_of(self.name)

    @property
    def unit(self) -> str:
        """Unit of the chart."""
        unit = style_of(self.name).unit
        return PLAIN_UNITS.get(unit, unit)


@dataclass(frozen=True)
class Verdict:
    """What is suspect, in one row: channels, when, how many times, the check and what it measured."""

    channels: str
    when: str
    times: str
    check: str
    reason: str


@dataclass(frozen=True)
class ArchiveContent:
    """What the page of an archive shows.

    Attributes:
        entry: The dataset.
        first: First time.
        last: Last time.
        facts: Numbers and what they count.
        overall: Verdicts on all channels together, the gravest of a time.
        channels: Each channel.
        read: How many times the ranges of values are from, in words.
        verdicts: What is suspect.
        left_out: Number of rows of verdicts that are not shown.
        checks: Each check, and how many measurements it made.
        holes: Lines on times that are missing.
        ledger: What the ledger says of the archive.
        provenance: Where the data is from.
    """

    entry: DatasetEntry
    first: np.datetime64
    last: np.datetime64
    facts: Rows
    overall: Calendar
    channels: Sequence[ShownChannel]
    read: str
    verdicts: Sequence[Verdict]
    left_out: int
    checks: Rows
    holes: Sequence[str]
    ledger: Rows
    provenance: Rows


def write_archive_page(content: ArchiveContent, out: Path) -> Path:
    """Write the page of an archive as one HTML file that embeds its maps and loads nothing from a network.

    Args:
        content: What it shows.
        out: The HTML file.

    Returns:
        `out`.
    """
    shown = {"archive": content, "first": clock(content.first), "last": clock(content.last)}
    return write_page(out, "archive.html.j2", shown)
