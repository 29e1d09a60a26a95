"""Reads the objects of a remote store, and compares each body with what the store says of it, or with another reading.

A byte that was changed on the way passes any decoder that has no checksum of its own. Where the store states a checksum
of the object, nothing is read twice; elsewhere a share of the objects is.
"""

import asyncio
import os
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple, TypeAlias
from urllib.parse import quote, urlsplit

import obstore
import urllib3
from obstore.store import ObjectStore
from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype

from data_catalog.sources.stated_checksums import Checksum, of_etag, of_headers
from data_catalog.storage.object_stores import has_credentials
from data_catalog.storage.patience import Patience

_GOOGLE = "https://storage.googleapis.com"
_AMAZON_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_MOST_WITHOUT_CHECKSUM = 3
"""Objects without a stated checksum after which the headers of a store are no longer asked for."""
_HEADERS_S = 30.0
_NO_HEADERS = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
"""Statuses of a server that does not tell headers alone."""
Stated: TypeAlias = tuple[Checksum, ...]


class DamagedChunkError(ValueError):
    """A chunk that is not what its store or its own header says."""


class Answer(NamedTuple):
    """The body of an object, and the ETag that came with it."""

    body: bytes
    etag: str | None


class RemoteObjects:
    """The objects of one store, each read until it is what it should be."""

    def __init__(self, store: Store, objects: ObjectStore, location: str, patience: Patience) -> None:
        """Read the objects of a store.

        Args:
            store: The store, for parts of objects.
            objects: The same store, for whole objects.
            location: Its URL.
            patience: How often to ask, and the share of the objects that are read twice.
        """
        self._store = store
        self._objects = objects
        self._address = _public_address(location)
        self._patience = patience
        self._etag_is_md5: bool | None = None
        """None as long as no object has shown it: encrypted objects have ETags that only look like an MD5."""
        self._without_checksum = 0

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None, *, is_small: bool
    ) -> Buffer | None:
        """Return the bytes of an object, or None if there is none.

        Args:
            key: Name of the object.
            prototype: Kind of buffer to return.
            byte_range: Part to read; None for the whole object.
            is_small: Whether it is metadata or a coordinate, all of which are read twice.

        Raises:
            DamagedChunkError: Each reading gives other bytes, or other ones than the store says.
        """
        twice = self._patience.read_twice > 0 and (is_small or self._patience.reads_twice(key))
        if byte_range is not None:
            return await self._part(key, prototype, byte_range, twice=twice)
        first = await self._answer(key)
        if first is None:
            return None
        return prototype.buffer.from_bytes(await self._checked(key, first, twice=twice))

    async def _checked(self, key: str, first: Answer, *, twice: bool) -> bytes:
        """Return the body of an object once it has the stated checksums or, without any, was read twice."""
        answer: Answer | None = first
        seen: set[bytes] = set()
        wrong = ""
        for _ in range(self._patience.asks):
            if answer is not None:
                stated = await self._stated(key, answer)
                if stated == () and not twice:
                    return answer.body
                failed = [checksum.kind for checksum in stated or () if not checksum.matches(answer.body)]
                if (stated and not failed) or (answer.body in seen and self._may_believe(answer, stated)):
                    return answer.body
                wrong = failed[0] if failed else wrong
                seen.add(answer.body)
            answer = await self._answer(key)
        expected = f"the bytes that the store's {wrong} says" if wrong else "the same bytes each time it is read"
        raise DamagedChunkError(f"chunk {key}: expected {expected}, found others")

    def _may_believe(self, answer: Answer, stated: Stated | None) -> bool:
        """Return whether two equal readings are enough: no checksum is stated, or an ETag that was never an MD5."""
        if not stated:
            return True
        if self._etag_is_md5 is None and stated == _as_stated(of_etag(answer.etag)):
            self._etag_is_md5 = False
        return self._etag_is_md5 is False

    async def _stated(self, key: str, answer: Answer) -> Stated | None:
        """Return the checksums that the store states; None if it could not be asked."""
        etag = None if self._etag_is_md5 is False else of_etag(answer.etag)
        if etag is not None:
            self._etag_is_md5 = self._etag_is_md5 or (True if etag.matches(answer.body) else None)
            return (etag,)
        if self._address is None or self._without_checksum >= _MOST_WITHOUT_CHECKSUM:
            return ()
        headers = await asyncio.to_thread(_headers, f"{self._address}/{quote(key)}")
        if headers is None:
            return None  # for want of an answer the object is read twice
        stated = of_headers(headers)
        if self._etag_is_md5:
            stated += _as_stated(of_etag(headers.get("etag")))
        self._without_checksum = 0 if stated else self._without_checksum + 1
        return stated

    async def _answer(self, key: str) -> Answer | None:
        try:
            found = await obstore.get_async(self._objects, key)
        except FileNotFoundError:
            return None
        body = bytes(await found.bytes_async())
        if len(body) != found.meta["size"]:
            raise DamagedChunkError(f"chunk {key} has {len(body)} bytes, its store says {found.meta['size']}")
        return Answer(body, found.meta["e_tag"])

    async def _part(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest, *, twice: bool
    ) -> Buffer | None:
        """Read a part of an object, of which no store states a checksum."""
        found = await self._store.get(key, prototype, byte_range)
        seen: set[bytes] = set()
        for _ in range(self._patience.asks):
            if found is None or not twice or found.to_bytes() in seen:
                return found
            seen.add(found.to_bytes())
            found = await self._store.get(key, prototype, byte_range)
        raise DamagedChunkError(f"a part of chunk {key} has other bytes each time it is read")


def _as_stated(checksum: Checksum | None) -> Stated:
    return () if checksum is None else (checksum,)


def _public_address(location: str) -> str | None:
    """Return the URL under which anyone can ask for the headers of an object, without its key; None if there is none.

    Args:
        location: URL of the store.
    """
    parts = urlsplit(location)
    path = f"{parts.netloc}{parts.path}".rstrip("/")
    if parts.scheme in ("http", "https"):
        return None if parts.query or "@" in parts.netloc else f"{parts.scheme}://{path}"
    if has_credentials(parts.scheme):
        return None
    if parts.scheme in ("gs", "gcs"):
        return f"{_GOOGLE}/{path}"
    endpoint = next((os.environ[name] for name in _AMAZON_ENDPOINTS if os.environ.get(name)), None)
    return f"{endpoint.rstrip('/')}/{path}" if parts.scheme == "s3" and endpoint else None


@lru_cache(maxsize=1)
def _connections() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=8, timeout=_HEADERS_S, retries=False)


def _headers(url: str) -> Mapping[str, str] | None:
    """Return the headers that a store gives for an object, in lower case; None if it does not answer now."""
    asked = {"x-amz-checksum-mode": "ENABLED", "Accept-Encoding": "identity"}
    try:
        answer = _connections().request("HEAD", url, headers=asked)
    except urllib3.exceptions.HTTPError:
        return None
    if answer.status != 200:
        return None
    return {name.lower(): value for name, value in answer.headers.items()}
