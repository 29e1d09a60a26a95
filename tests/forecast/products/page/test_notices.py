"""A notice at the head of a page."""

from pathlib import Path

import pytest

from data_catalog.errors import InvalidDataError
from forecast.products.page.notices import add_notice


def test_a_notice_is_put_at_the_head_and_escaped(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<html>\n<body>\n<p>weather</p></body>")
    head, _, rest = add_notice(page, "members < 30 days").read_text().partition("members &lt; 30 days")
    assert head.startswith("<html>\n<body>\n<p")
    assert rest.endswith("<p>weather</p></body>")


def test_something_else_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("weather")
    with pytest.raises(InvalidDataError, match=r"report\.html: expected a page"):
        add_notice(page, "words")
    assert page.read_text() == "weather"
