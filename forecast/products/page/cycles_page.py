"""The page of all cycles of all systems, a self-contained HTML file: published or explained, what is wrong first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_catalog.layout.times import iso
from forecast.products.page.rendering import write_page


@dataclass(frozen=True)
class ShownCycle:
    """A cycle in one row.

    Attributes:
        init_time: Init time, UTC.
        state: What became of it, such as `published`.
        words: Why, in one line; empty where the state says all.
        link: Path of the page of its run, relative to this page; None without one.
        is_wrong: Whether somebody should look at it.
    """

    init_time: np.datetime64
    state: str
    words: str
    link: str | None
    is_wrong: bool

    @property
    def when(self) -> str:
        """Init time in ISO 8601."""
        return iso(self.init_time)


@dataclass(frozen=True)
class ShownSystem:
    """The cycles of a system.

    Attributes:
        name: Name of the system.
        facts: Number of cycles and what they count.
        notice: What holds for the whole system, such as that it is held; empty if nothing does.
        cycles: In the order of their rows.
        left_out: Number of cycles that have no row.
    """

    name: str
    facts: Sequence[tuple[int, str]]
    notice: str
    cycles: Sequence[ShownCycle]
    left_out: int


def write_cycles_page(systems: Sequence[ShownSystem], written: np.datetime64, out: Path) -> Path:
    """Write the page.

    Args:
        systems: The systems, by name.
        written: When the page is written, UTC.
        out: The HTML file.

    Returns:
        `out`.
    """
    return write_page(out, "cycles.html.j2", {"systems": systems, "written": iso(written)})
