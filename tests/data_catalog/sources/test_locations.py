"""Paths and URLs are told apart, and no slash is lost."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.locations import parse_location
from data_catalog.sources.zarr_stores import open_complete


@pytest.mark.parametrize(
    "url", ["s3://bucket/a.zarr", "gs://b/c", "az://b/c", "https://host:80/a.zarr?sig=x%2F", "HTTP://h/a"]
)
def test_urls_stay_as_they_are(url: str) -> None:
    assert parse_location(url) == url


@pytest.mark.parametrize("scheme", ["file://", "FILE://", "file://localhost"])
def test_file_urls_are_paths(tmp_path: Path, scheme: str) -> None:
    (tmp_path / "a b.nc").touch()
    (tmp_path / "c%20d.nc").touch()
    assert parse_location(f"{scheme}{tmp_path}/a%20b.nc") == tmp_path / "a b.nc"
    assert parse_location(f"{scheme}{tmp_path}/c%20d.nc") == tmp_path / "c%20d.nc"


@pytest.mark.parametrize("path", ["a.nc", "/a/b.nc", "a:b.nc", Path("a.nc")])
def test_paths_are_paths(path: str | Path) -> None:
    assert parse_location(path) == Path(path)


def test_a_netcdf_file_is_not_read_by_url() -> None:
    with pytest.raises(InvalidDataError, match=r"https://h/a\.nc: expected a Zarr group, found a NetCDF file"):
        open_complete("https://h/a.nc")


@pytest.mark.parametrize("url", ["s3x://bucket/a.zarr", "foo://x"])
def test_a_url_of_an_unknown_kind_is_the_users_to_mend(url: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{url}: expected a path or a URL of gs, s3, az, http or file"):
        open_complete(url)
