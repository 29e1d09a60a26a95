"""Whatever references name, nothing outside of the places that they may reach is read."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from data_catalog.sources.reference_places import Reach

FOLDER = Path("/somewhere/data")
URL = "https://good.example/data/a.json"
TOLD = ("s3://told/part", "/elsewhere")
PIECES = [
    "/", "..", ".", "//", "://", "file", "http", "https", "s3", "gs", "good.example", "evil.example", "@", ":", ":80",
    "%2e%2e", "%252e%252e", "%2f", "\\", "\t", "\n", " ", "?", "#", "a", "data", "somewhere", "told", "part",
    "elsewhere", "/etc/passwd", "~", "localhost", "\0", "FILE", "S3", "https://good.example", "s3://told/part",
]  # fmt: skip
NAMES = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=9).map("".join))


def place_or_refusal(reach: Reach, name: str) -> Path | str | InvalidDataError:
    try:
        return reach.place_of(name, "a/0")
    except InvalidDataError as refusal:
        return refusal


@given(NAMES)
def test_references_on_disk_reach_their_folder_and_plain_urls(name: str) -> None:
    found = place_or_refusal(Reach(FOLDER / "a.json"), name)
    if isinstance(found, Path):
        assert found.resolve().is_relative_to(FOLDER.resolve())
    elif isinstance(found, str):
        assert urlsplit(found).scheme.lower() not in ("", "file")
    else:
        assert "\n" not in str(found)


@given(NAMES)
def test_references_at_a_url_reach_their_host(name: str) -> None:
    found = place_or_refusal(Reach(URL), name)
    if isinstance(found, InvalidDataError):
        assert "\n" not in str(found)
    else:
        assert isinstance(found, str)
        parts = urlsplit(found)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "good.example", "", "")
        assert ".." not in parts.path.split("/")


@given(NAMES)
def test_what_a_dataset_file_names_is_reached_too_and_nothing_else(name: str) -> None:
    found = place_or_refusal(Reach(URL, TOLD), name)
    if isinstance(found, Path):
        assert found.resolve().is_relative_to(TOLD[1])
    elif isinstance(found, str):
        assert f"{found}/".startswith(("https://good.example/", "s3://told/part/"))


@pytest.mark.parametrize(
    ("location", "name", "place"),
    [
        (FOLDER / "a.json", "b/c.nc", FOLDER / "b/c.nc"),
        (FOLDER / "a.json", "file:///somewhere/data/c.nc", FOLDER / "c.nc"),
        (FOLDER / "a.json", "s3://any/c.nc", "s3://any/c.nc"),
        (URL, "c.nc", "https://good.example/data/c.nc"),
        (URL, "https://good.example/other/c.nc", "https://good.example/other/c.nc"),
        (URL, "s3://told/part/c.nc", "s3://told/part/c.nc"),
        (URL, "/elsewhere/c.nc", Path("/elsewhere/c.nc")),
    ],
)
def test_what_may_be_read(location: Path | str, name: str, place: Path | str) -> None:
    assert Reach(location, TOLD).place_of(name, "a/0") == place


def test_the_name_of_another_bucket_may_begin_alike() -> None:
    with pytest.raises(InvalidDataError, match=r"a/0: expected a reference to a plain URL below https://good\.example"):
        Reach(URL, ("s3://told",)).place_of("s3://told2/c.nc", "a/0")
    with pytest.raises(InvalidDataError, match="expected a reference"):
        Reach(URL, ("s3://",)).place_of("s3://any/c.nc", "a/0")
