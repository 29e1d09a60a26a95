"""A notice at the head of a page that was written earlier."""

from html import escape
from pathlib import Path

from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import write_durably

_BODY = "<body>\n"


def add_notice(page: Path, words: str) -> Path:
    """Put a notice at the head of a page of ours.

    Args:
        page: An HTML file.
        words: Plain text.

    Returns:
        `page`.

    Raises:
        InvalidDataError: It is no page of ours.
    """
    content = page.read_text(encoding="utf-8")
    head, body, rest = content.partition(_BODY)
    if not body:
        raise InvalidDataError(f"{page}: expected a page with '<body>', found none")
    notice = f'<p class="wrap" role="note"><strong>{escape(words)}</strong></p>\n'
    return write_durably(page, head + body + notice + rest)
