"""The page of all cycles shows each with its page, and escapes what it shows."""

import re
from pathlib import Path

import numpy as np

from forecast.products.page.cycles_page import ShownCycle, ShownSystem, write_cycles_page

NOW = np.datetime64("2008-01-03T06:00", "ns")


def cycle(day: int, state: str, words: str = "", link: str | None = None, *, is_wrong: bool = False) -> ShownCycle:
    return ShownCycle(np.datetime64(f"2008-01-{day:02}", "ns"), state, words, link, is_wrong)


def test_each_cycle_has_a_row(tmp_path: Path) -> None:
    cycles = [cycle(2, "failed", "t2m: <900> K", is_wrong=True), cycle(1, "published", link="tiny/1/report.html")]
    systems = [ShownSystem("tiny", [(1, "failed"), (1, "published")], "held since noon", cycles, 7)]
    page = write_cycles_page(systems, NOW, tmp_path / "index.html").read_text()
    assert re.findall(r'href="([^#"]+)"', page) == ["tiny/1/report.html", "index.json", "index.json"]
    assert page.count('class="wrong"') == 1
    assert "t2m: &lt;900&gt; K" in page
    assert "1 failed, 1 published; held since noon" in page
    assert "As of <strong>2008-01-03T06:00Z</strong>" in page
    assert "And 7 earlier ones" in page


def test_without_cycles_it_says_so(tmp_path: Path) -> None:
    assert "No cycle was ever due" in write_cycles_page([], NOW, tmp_path / "index.html").read_text()
    empty = ShownSystem("tiny", [], "", [], 0)
    assert "no cycle was due" in write_cycles_page([empty], NOW, tmp_path / "index.html").read_text()
