"""The publish section of the system file: where published runs are copied to."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from forecast.system.section import Section

SCHEMES = ("s3", "gs", "az", "file")


def check_destination(url: str) -> str:
    """Check the URL of a place that runs are copied to, and return it without a slash at its end.

    Args:
        url: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///DIRECTORY.

    Raises:
        ValueError: It is none of these, or holds a user, a password or a query; the message does not repeat it.
    """
    parts = urlsplit(url)
    if parts.username or parts.password or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("expected a URL without user, password and query: credentials come from the environment")
    place = parts.path if parts.scheme == "file" else parts.netloc
    if parts.scheme not in SCHEMES or not place:
        raise ValueError("expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///DIRECTORY")
    return url.rstrip("/")


class Publish(Section):
    """Where published runs are copied to."""

    to: Annotated[str, AfterValidator(check_destination)] | None = None
    """URL of a prefix in object storage, or of a directory as file:///DIRECTORY; None to copy runs nowhere."""
