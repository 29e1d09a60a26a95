import re

import numpy as np

from data_catalog.catalog import dataset
from forecast.products.page.archive_charts import GOOD, SUSPECT, Ranges, calendar, range_chart
from forecast.products.page.archive_page import ArchiveContent, ShownChannel, ShownMap, Verdict, write_archive_page
from forecast.products.plots.figures import Heading, new_figure, save

TIMES = np.datetime64("2001-01-01", "ns") + np.arange(3) * np.timedelta64(1, "D")


def content(tmp_path, verdicts):
    picture = save(new_figure(1, 1, "title", Heading("", False)), tmp_path / "map.png")
    days = calendar(TIMES, np.array([GOOD, SUSPECT, GOOD]))
    values = Ranges(TIMES, np.full(3, 990.0), np.full(3, 1010.0), np.full(3, 1030.0), (850, 1120))
    maps = [ShownMap(picture, "First time: 1 Jan"), ShownMap(picture, "Suspect: 2 Jan", "a <spike>")]
    shown = ShownChannel("msl", days, range_chart(values, [TIMES[1]]), "990 to 1030 hPa", maps)
    return ArchiveContent(
        dataset("speedy-5p6"), TIMES[0], TIMES[-1], [("3", "times")], days, [shown], "of all 3 times", verdicts, 4,
        [("dates", "3 measurements")], ["2001-01-05: not there"], [("Identity", "abc")], [("Licence", "Apache-2.0")],
    )  # fmt: skip


def test_the_page_is_self_contained_and_says_what_it_shows(tmp_path):
    verdict = Verdict("msl", "2001-01-02 00:00", "1", "spikes and stripes", "a point 9 sd off, limit 5")
    page = write_archive_page(content(tmp_path, [verdict]), tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "Simulated weather" in page
    assert "a point 9 sd off, limit 5" in page
    assert "4 more rows" in page
    assert "a &lt;spike&gt;" in page
    assert page.count("<h1>") == 1
    assert [name for name in re.findall(r'<section id="(\w+)"', page) if f'href="#{name}"' not in page] == []


def test_every_picture_says_in_words_what_it_shows(tmp_path):
    page = write_archive_page(content(tmp_path, []), tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(re.findall(r'<img [^>]*alt="[^"]+"', page)) == page.count("<img") == 2
    assert len(re.findall(r'<svg role="img" aria-label="[^"]+"', page)) == page.count("<svg") == 2
    assert "Nothing is suspect" in page
