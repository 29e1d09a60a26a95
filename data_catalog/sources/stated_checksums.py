"""Checksums that a store states about an object: in the headers of an answer, or as its ETag.

Sources: Google Cloud Storage, "Data validation" (`x-goog-hash`); Amazon S3, "Checking object integrity"
(`x-amz-checksum-*`, `ETag`); RFC 1864 (`Content-MD5`).
"""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import google_crc32c

_MD5_HEX = re.compile(r'"?([0-9a-f]{32})"?')
_AMAZON = "x-amz-checksum-"
_DIGESTS: Mapping[str, Callable[[bytes], bytes]] = {
    "md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
    "crc32c": lambda body: int(google_crc32c.value(body)).to_bytes(4, "big"),
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}


@dataclass(frozen=True)
class Checksum:
    """What a store says of the bytes of an object.

    Attributes:
        kind: `md5`, `crc32c`, `crc32`, `sha1` or `sha256`.
        digest: The checksum.
    """

    kind: str
    digest: bytes

    def matches(self, body: bytes) -> bool:
        """Return whether bytes have this checksum.

        Args:
            body: All bytes of the object.
        """
        return _DIGESTS[self.kind](body) == self.digest


def of_etag(etag: str | None) -> Checksum | None:
    """Return the MD5 that an ETag may be; None if it cannot be one, as that of an object uploaded in parts.

    Args:
        etag: Value of the header `ETag`.
    """
    found = _MD5_HEX.fullmatch(etag or "")
    return None if found is None else Checksum("md5", bytes.fromhex(found[1]))


def of_headers(headers: Mapping[str, str]) -> tuple[Checksum, ...]:
    """Return the checksums that the headers of an answer state, other than the ETag.

    Args:
        headers: Headers by name, in lower case.

    Returns:
        None of an object that is sent in another encoding than it is stored in, to which they would not apply.
    """
    encodings = {headers.get(name, "identity") for name in ("content-encoding", "x-goog-stored-content-encoding")}
    return tuple(_decoded(_stated(headers))) if encodings == {"identity"} else ()


def _stated(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each checksum."""
    for part in headers.get("x-goog-hash", "").split(","):
        kind, _, text = part.strip().partition("=")
        yield kind, text
    yield "md5", headers.get("content-md5", "")
    yield from ((name.removeprefix(_AMAZON), text) for name, text in headers.items() if name.startswith(_AMAZON))


def _decoded(stated: Iterator[tuple[str, str]]) -> Iterator[Checksum]:
    """Leave out kinds that are not known, and checksums of parts, such as `lNFJ9g==-3`."""
    for kind, text in stated:
        try:
            digest = base64.b64decode(text, validate=True)
        except binascii.Error:
            continue
        if kind in _DIGESTS and len(digest) == len(_DIGESTS[kind](b"")):
            yield Checksum(kind, digest)
