"""Errors that callers distinguish."""

import pytest

from data_catalog.errors import (
    ConfigurationError,
    DivergedError,
    InvalidDataError,
    MissingDataError,
    PlumecastError,
    without_secrets,
)


def test_all_errors_are_plumecast_errors_and_only_missing_data_is_retried() -> None:
    for fault in (ConfigurationError, InvalidDataError, MissingDataError, DivergedError):
        assert issubclass(fault, PlumecastError)
    assert not issubclass(MissingDataError, InvalidDataError)
    with pytest.raises(InvalidDataError, match="not finite"):
        raise DivergedError("msl: not finite")


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("http://bob:s3cret@host:81/x.zarr?sig=T: expected", "http://host:81/x.zarr?...: expected"),
        ("(s3://KEY@bucket/x.zarr#T), and", "(s3://bucket/x.zarr?...), and"),
        ("https://bob:s3/cr?t#a@host/x", "https://host/x"),
        ("https://bob:a@b@host/x", "https://host/x"),
        ("http:/bob:s3cret@host/x", "http:/host/x"),
        ("https://host/data@v2/x.zarr", "https://host/data@v2/x.zarr"),
        ("http://[::1]:80/data@v2?k=1", "http://[::1]:80/data@v2?..."),
        ("gs://weatherbench2/datasets/era5.zarr: t2m at 2001-01-01T00:00Z", None),
        ("/data/a@b?c.nc: expected 10:30 UTC, found none", None),
    ],
)
def test_credentials_of_urls_are_left_out(text: str, public: str | None) -> None:
    assert without_secrets(text) == (text if public is None else public)
    assert str(InvalidDataError(text)) == without_secrets(text)
    assert without_secrets(without_secrets(text)) == without_secrets(text)
