"""The announce section of the system file: who is told that a run is published, and that a cycle failed."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from forecast.system.section import Section


def _public_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("expected a URL without user, password and query: secrets come from the environment")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("expected http://HOST/PATH or https://HOST/PATH")
    return url


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError(f"expected an absolute path, found '{path}'")
    return path


class Announce(Section):
    """Who is told that a run is published, and that a cycle failed."""

    webhook: Annotated[str, AfterValidator(_public_url)] | None = None
    """URL that a JSON message is posted to; signed with PLUMECAST_WEBHOOK_SECRET, where the environment has it."""
    directory: Annotated[Path, AfterValidator(_absolute)] | None = None
    """Absolute path of a directory that gets a JSON file for each published run."""
    notify: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")] | None = None
    """Notification block of the Prefect server, such as `slack-webhook/on-call`, for failed and late cycles."""
