"""GRIB files in remote stores, of which only the messages that an index names are fetched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.checks import check_analysis
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from data_catalog.sources.grib.decoding import StoredField
from data_catalog.sources.grib.fields import GribField
from data_catalog.sources.grib.hypercubes import arrange
from data_catalog.sources.grib.library import check_installed, open_message
from data_catalog.sources.grib.messages import MessagePlace, check_message, field_of
from data_catalog.sources.reading import in_blocks
from data_catalog.sources.remote_files import RemoteFile, RemoteFiles
from data_catalog.storage.patience import ask, patience_for

_BLOCK_BYTES = 1
"""One field a block, so that no time is fetched that is not wanted."""
Index: TypeAlias = Mapping[str, MessagePlace]
"""Where each field of a file lies, by the field's name; a length of 0 if only the message itself says it."""


@dataclass(frozen=True)
class IndexedFile:
    """A GRIB file of one start and lead time whose index is known.

    Attributes:
        init_time: Start, UTC.
        valid_time: Time that its fields are valid at, UTC.
        path: Path below the URL of the store.
        index: Where each of its fields lies.
        member: Number of the member that it is of; 0 where there are none.
    """

    init_time: np.datetime64
    valid_time: np.datetime64
    path: str
    index: Index
    member: int = 0


def open_indexed(
    location: str,
    files: Sequence[IndexedFile],
    channels: Sequence[str],
    static: Sequence[str] = (),
    *,
    ensemble: bool = False,
) -> xr.Dataset:
    """Open fields of remote files as a checked analysis; of each channel one message is read at once, to know its grid.

    Args:
        location: URL of the store.
        files: In the order of time, at least one.
        channels: Channels to read.
        static: Channels without time, which are read from the first file.
        ensemble: Whether each analysis is an ensemble, with a file for each member.

    Raises:
        ConfigurationError: ecCodes is not installed.
        InvalidDataError: An index lacks a channel; names file and channel.
    """
    check_installed(location)
    store = RemoteFiles(location)
    wanted = [*((name, files) for name in channels), *((name, files[:1]) for name in static)]
    stored = [one for name, of_channel in wanted for one in fields_of(store, of_channel, name)]
    found = []
    for part in arrange(stored, location, forecast=False):
        held = _held(part, wanted)
        of_ensemble = ensemble and "member" in part.dims
        lazy = in_blocks(part, location, block_bytes=_BLOCK_BYTES, ensemble=of_ensemble)
        timed, fixed = (
            [name for name in held if channel(name).variable.static == is_fixed] for is_fixed in (False, True)
        )
        found.append(canonicalise(lazy, timed, fixed, where=location, ensemble=of_ensemble))
    return check_analysis(xr.merge(found, join="exact", compat="override")[[*channels, *static]], where=location)


def _held(part: xr.Dataset, wanted: Sequence[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in wanted if set(names_in_grib(name)) & set(map(str, part.data_vars))]


def names_in_grib(name: str) -> list[str]:
    """Return the names that a GRIB field of a channel may have.

    Args:
        name: Name of the channel.
    """
    one = channel(name)
    level = "" if one.level_hpa is None else f"_{one.level_hpa}hPa"
    return [f"{spelled}{level}" for spelled in one.variable.names]


def fields_of(store: RemoteFiles, files: Sequence[IndexedFile], name: str) -> list[StoredField]:
    """Return the fields of a channel, one a file; the header of the first says what all of them are.

    Args:
        store: Store of the files.
        files: At least one.
        name: Name of the channel.

    Raises:
        InvalidDataError: An index lacks the channel; names file and channel.
    """
    return stored_fields(store, [(file, _named(RemoteFile(store, file.path), file, name), None) for file in files])


def stored_fields(
    store: RemoteFiles, wanted: Sequence[tuple[IndexedFile, MessagePlace, str | None]]
) -> list[StoredField]:
    """Return fields that alike messages hold; the header of the first says what all of them are.

    Args:
        store: Store of the files.
        wanted: At least one: file, place of the message, and name of the field; None for that of the first.

    Raises:
        InvalidDataError: The first is damaged, or a place is none of a message.
    """
    sources = [RemoteFile(store, file.path) for file, _, _ in wanted]
    places = [_measured(source, place) for source, (_, place, _) in zip(sources, wanted, strict=True)]
    known = ask(lambda: _read_header(sources[0], places[0]), patience_for(store.location), sources[0].name)
    return [
        StoredField(
            replace(
                known,
                name=name or known.name,
                init_time=file.init_time,
                valid_time=file.valid_time,
                member=file.member,
            ),
            place,
            source,
        )
        for (file, _, name), place, source in zip(wanted, places, sources, strict=True)
    ]


def _read_header(source: RemoteFile, place: MessagePlace) -> GribField:
    message = source.read(place.start, place.length)
    check_message(message, place.length, source.name)
    with open_message(field_of(message, place.part), source.name) as opened:
        return GribField.of(opened, source.name)


def _named(source: RemoteFile, file: IndexedFile, name: str) -> MessagePlace:
    found = next((file.index[spelled] for spelled in names_in_grib(name) if spelled in file.index), None)
    if found is None:
        held = ", ".join(sorted(file.index)) or "nothing"
        raise InvalidDataError(f"{source.name}: expected {name} at {iso(file.valid_time)} in its index, found {held}")
    return found


def _measured(source: RemoteFile, found: MessagePlace) -> MessagePlace:
    if found.length:
        return found
    patience = patience_for(source.files.location)
    return replace(found, length=ask(lambda: _stated_length(source, found.start), patience, source.name))


def _stated_length(source: RemoteFile, start: int) -> int:
    """Return the number of bytes that a GRIB 2 message says it has."""
    head = source.read(start, 16)
    if len(head) != 16 or not head.startswith(b"GRIB"):
        raise InvalidDataError(f"{source.name}: message at byte {start}: expected GRIB, found {head[:4]!r}")
    return int.from_bytes(head[8:], "big")
