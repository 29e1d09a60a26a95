"""Checksums are found in the headers of each kind of store, and nowhere else."""

import base64
import hashlib

import google_crc32c
import pytest

from data_catalog.sources.stated_checksums import Checksum, of_etag, of_headers

BODY = b"the bytes of a chunk"
MD5 = base64.b64encode(hashlib.md5(BODY).digest()).decode()
SHA = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
CRC = base64.b64encode(google_crc32c.Checksum(BODY).digest()).decode()


@pytest.mark.parametrize(
    ("headers", "kinds"),
    [
        ({"x-goog-hash": f"crc32c={CRC},md5={MD5}"}, ["crc32c", "md5"]),
        ({"x-goog-hash": f"crc32c={CRC}", "x-goog-stored-content-encoding": "identity"}, ["crc32c"]),
        ({"x-goog-hash": f"crc32c={CRC}", "x-goog-stored-content-encoding": "gzip"}, []),
        ({"content-md5": MD5}, ["md5"]),
        ({"content-md5": MD5, "content-encoding": "gzip"}, []),
        ({"x-amz-checksum-sha256": SHA, "x-amz-checksum-type": "FULL_OBJECT"}, ["sha256"]),
        ({"x-amz-checksum-crc32c": f"{CRC}-3"}, []),
        ({"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}, []),
        ({"content-md5": "no base64!"}, []),
        ({"content-md5": CRC}, []),
        ({}, []),
    ],
)
def test_headers_state_checksums(headers: dict[str, str], kinds: list[str]) -> None:
    found = of_headers(headers)
    assert [checksum.kind for checksum in found] == kinds
    assert all(checksum.matches(BODY) for checksum in found)
    assert not any(checksum.matches(BODY[:-1] + b"l") for checksum in found)


def test_the_known_checksums_of_nothing() -> None:
    assert Checksum("crc32", bytes(4)).matches(b"")
    assert Checksum("sha1", bytes.fromhex("da39a3ee5e6b4b0d3255bfef95601890afd80709")).matches(b"")


def test_only_an_etag_that_looks_like_an_md5_is_one() -> None:
    digest = hashlib.md5(BODY).hexdigest()
    for etag in (digest, f'"{digest}"'):
        found = of_etag(etag)
        assert found is not None
        assert found.matches(BODY)
    for etag in (None, "", f'"{digest}-3"', f'W/"{digest}"', '"CJDu7Pn="', digest[:-1]):
        assert of_etag(etag) is None
