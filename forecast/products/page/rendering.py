"""Renders pages: self-contained HTML files that load nothing from a network."""

import base64
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2

from data_catalog.storage.atomic_files import write_durably


def write_page(out: Path, template: str, content: Mapping[str, Any]) -> Path:
    """Render a page and write it durably.

    Args:
        out: The HTML file.
        template: File name of its template.
        content: What the template shows; the release is added.

    Returns:
        `out`.
    """
    page = _environment().get_template(template).render({**content, "release": version("plumecast")})
    return write_durably(out, page)


def as_data_url(picture: Path) -> str:
    """Return a PNG as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode('ascii')}"


def size_words(count: int) -> str:
    """Format a number of bytes."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= 0.1 * factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
