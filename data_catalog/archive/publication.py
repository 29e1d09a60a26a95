"""What other Zarr readers see of an archive: metadata and coordinates, all of which follow from the ledger.

They are written after the ledger, so other readers may see an older state for a moment, but never a time without
values. The group's metadata name the last committed line, so a ledger that has lost its last lines is noticed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from data_catalog.archive.chunks import UNFINISHED, array_metadata, chunk_name, decode_as, encode, group_metadata
from data_catalog.archive.header import Header
from data_catalog.archive.ledger import COPY_NAME, Ledger, StoredChunk
from data_catalog.errors import InvalidDataError
from data_catalog.layout.coordinates import LATITUDE_ATTRIBUTES, LONGITUDE_ATTRIBUTES, MEMBER_ATTRIBUTES
from data_catalog.sources.archive_marks import LEDGER_ATTRIBUTE, heal_it
from data_catalog.storage.atomic_files import append_durably, write_durably
from data_catalog.storage.chained_lines import longest_chain
from data_catalog.storage.object_path import AnyPath

METADATA = "zarr.json"
_TIME_ATTRIBUTES = {
    "standard_name": "time",
    "axis": "T",
    "units": "seconds since 1970-01-01",
    "calendar": "proleptic_gregorian",
}


def publish(archive: Path, ledger: Ledger) -> None:
    """Publish the committed times to other Zarr readers; write nothing if they are published already.

    Args:
        archive: Directory of the archive.
        ledger: Ledger of that archive, chained.
    """
    files = published_files(ledger)
    for name, content in files.items():
        _write_if_new(archive, name, content)
    stored = {name: StoredChunk.of(content) for name, content in files.items()}
    if not ledger.is_published or ledger.published != stored:
        ledger.publish(stored)
    _copy_ledger(archive, ledger)


def published_files(ledger: Ledger) -> dict[str, bytes]:
    """Return the content of each metadata and coordinate file, by name, in the order of writing.

    Args:
        ledger: Ledger of the archive.
    """
    header = ledger.header
    files = dict(_array_files(header, ledger.arrival_times()))
    arrays = (*header.dims, *header.channels, *header.static)
    members = {name: files[f"{name}/{METADATA}"] for name in arrays}
    attributes = {**header.attributes}
    if ledger.last_commit:
        attributes[LEDGER_ATTRIBUTE] = ledger.last_commit
    return {**files, METADATA: group_metadata(attributes, members)}


def _array_files(header: Header, times: NDArray[np.datetime64]) -> Iterator[tuple[str, bytes]]:
    shape = (header.latitude.size, header.longitude.size)
    whole = (len(times), *header.field_shape)
    for name in header.channels:
        attributes = tuple(sorted(header.field_attributes[name].items()))
        yield f"{name}/{METADATA}", array_metadata(whole, header.chunk_shape, "<f4", header.dims, attributes)
    for name in header.static:
        attributes = tuple(sorted(header.field_attributes[name].items()))
        yield f"{name}/{METADATA}", array_metadata(shape, shape, "<f4", ("latitude", "longitude"), attributes)
    yield from coordinate_files(header, times)


def coordinate_files(header: Header, times: NDArray[np.datetime64]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of the coordinates of an archive.

    Args:
        header: Header of the archive.
        times: Its times, in the order in which they are stored.
    """
    if header.members:
        yield from _coordinate("member", np.array(header.members, np.int64), MEMBER_ATTRIBUTES)
    yield from _coordinate("latitude", header.latitude, LATITUDE_ATTRIBUTES)
    yield from _coordinate("longitude", header.longitude, LONGITUDE_ATTRIBUTES)
    # With one chunk, padded to a power of two, the coordinate is a single file that is replaced atomically.
    room = 1 << max(10, int(len(times) - 1).bit_length() if len(times) else 0)
    seconds = np.zeros(room, np.int64)
    seconds[: len(times)] = times.astype("datetime64[s]").astype(np.int64)
    yield f"time/{chunk_name(1)}", encode(seconds)
    time_attributes = tuple(sorted(_TIME_ATTRIBUTES.items()))
    yield f"time/{METADATA}", array_metadata((len(times),), (room,), "<i8", ("time",), time_attributes)


def _coordinate(name: str, values: NDArray[Any], attributes: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    yield f"{name}/{chunk_name(1)}", encode(values)
    shape = values.shape
    yield (
        f"{name}/{METADATA}",
        array_metadata(shape, shape, values.dtype.str, (name,), tuple(sorted(attributes.items()))),
    )


def publication_faults(archive: AnyPath, ledger: Ledger) -> list[str]:
    """Return one line for each metadata or coordinate file that is not as published, and for the copy of the ledger.

    Args:
        archive: Directory of the archive.
        ledger: Ledger of that archive.
    """
    faults, advice = [], heal_it(ledger.header.dataset)
    for name, content in published_files(ledger).items():
        found = content_of(archive / name)
        # After a killed ingest the last publication stands. Another release of Zarr may write other bytes.
        if found is None:
            faults.append(f"{archive / name}: expected a readable file, found none{advice}")
        elif found != content and ledger.published.get(name) != StoredChunk.of(found):
            faults.append(f"{archive / name}: expected what the ledger says, found another content{advice}")
    if ledger.is_published and len(ledger.path.read_bytes()) != ledger.length:
        faults.append(f"{ledger.path}: expected nothing after its last line, found more{advice}")
    if ledger.is_chained and not _is_copied(archive, ledger):
        faults.append(f"{archive / COPY_NAME}: expected a copy of the ledger, found another content{advice}")
    return faults


def _is_copied(archive: AnyPath, ledger: Ledger) -> bool:
    """Return whether the copy of the ledger holds all lines, or after a killed ingest some first ones."""
    copied, content = content_of(archive / COPY_NAME), ledger.path.read_bytes()[: ledger.length]
    if copied is None or ledger.is_published:
        return copied == content
    return content.startswith(copied) and copied.endswith(b"\n")


def check_published(archive: AnyPath, ledger: Ledger) -> None:
    """Check that the ledger holds all that was published; if it does not, its last lines were lost.

    Args:
        archive: Directory of the archive.
        ledger: Ledger of that archive.

    Raises:
        InvalidDataError: The ledger holds less, or the metadata that say so cannot be read.
    """
    for name in (METADATA, f"time/{METADATA}"):
        if read_metadata(archive / name) is None:
            raise InvalidDataError(
                f"{archive / name}: expected the metadata of Zarr, found none{heal_it(ledger.header.dataset)}"
            )
    check_no_lost_lines(archive, ledger)


def check_no_lost_lines(archive: AnyPath, ledger: Ledger) -> None:
    """Check that the ledger holds all that can be seen to have been published.

    Args:
        archive: Directory of the archive.
        ledger: Ledger of that archive.

    Raises:
        InvalidDataError: The last lines of the ledger are lost.
    """
    lost = lost_lines(archive, ledger)
    if lost:
        raise InvalidDataError(f"{ledger.path}: {lost}: its last lines are lost{heal_it(ledger.header.dataset)}")


def lost_lines(archive: AnyPath, ledger: Ledger) -> str:
    """Return what shows that the last lines of a ledger are lost, or nothing.

    Args:
        archive: Directory of the archive.
        ledger: Ledger of that archive.
    """
    shown = published_count(archive)
    if shown is not None and shown > ledger.count:
        return f"expected {shown} times, found {ledger.count}"
    last = group_attributes(archive).get(LEDGER_ATTRIBUTE)
    if last is not None and not ledger.knows(str(last)):
        return f"expected line {str(last)[:8]}..., found none"
    copied = content_of(archive / COPY_NAME) or b""
    if len(copied) > ledger.length and len(longest_chain([copied])) > ledger.length:
        return f"expected {len(copied)} bytes as in {COPY_NAME}, found {ledger.length}"
    return ""


def published_times(archive: AnyPath) -> NDArray[np.datetime64] | None:
    """Return the times in order of arrival, as other Zarr readers see them; None if they cannot be read.

    Args:
        archive: Directory of the archive.
    """
    shown, content = published_count(archive), content_of(archive / "time" / chunk_name(1))
    if shown is None or content is None:
        return None
    try:
        seconds = decode_as(content, (1 << max(10, int(shown - 1).bit_length() if shown else 0),), "<i8")
    except ValueError:
        return None
    return seconds[:shown].astype("datetime64[s]").astype("datetime64[ns]")


def group_attributes(archive: AnyPath) -> dict[str, object]:
    """Return the attributes of the Zarr group of an archive; empty if they cannot be read.

    Args:
        archive: Directory of the archive.
    """
    attributes = (read_metadata(archive / METADATA) or {}).get("attributes")
    return attributes if isinstance(attributes, dict) else {}


def published_count(archive: AnyPath) -> int | None:
    """Return the number of times that other Zarr readers see; None if it cannot be read.

    Args:
        archive: Directory of the archive.
    """
    try:
        shape: Any = (read_metadata(archive / "time" / METADATA) or {})["shape"]
        return int(shape[0])
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def read_metadata(path: AnyPath) -> dict[str, object] | None:
    """Return the JSON object of a metadata file; None if it cannot be read.

    Args:
        path: Path of the file.
    """
    try:
        found = from_json(content_of(path) or b"")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def content_of(path: AnyPath) -> bytes | None:
    """Return the bytes of a file; None if it cannot be read.

    Args:
        path: Path of the file.
    """
    try:
        return path.read_bytes()
    except OSError:
        return None


def _copy_ledger(archive: Path, ledger: Ledger) -> None:
    """Bring the copy of the ledger up to date; usually only the last lines are appended."""
    copied, content = content_of(archive / COPY_NAME), ledger.path.read_bytes()[: ledger.length]
    if copied is not None and content.startswith(copied):
        if copied != content:
            append_durably(archive / COPY_NAME, content[len(copied) :], after=len(copied))
        return
    write_durably(archive / COPY_NAME, content, aside=archive / UNFINISHED)


def _write_if_new(archive: Path, name: str, content: bytes) -> None:
    if content_of(archive / name) != content:
        write_durably(archive / name, content, aside=archive / UNFINISHED)
