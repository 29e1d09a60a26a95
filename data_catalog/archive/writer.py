"""Writes an archive: new times are appended block by block, and each block is committed before the next."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.chunks import ChunkReader, decode, encode, times_per_block
from data_catalog.archive.ledger import Block, Header, Ledger, StoredChunk
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_same_grid
from data_catalog.layout.coordinates import at_times
from data_catalog.storage.atomic_files import write_durably

_BYTES_AT_ONCE = 32 * 1024**2


@dataclass(frozen=True)
class IngestSummary:
    """The result of an ingest.

    Attributes:
        archive: Directory of the archive.
        added: Number of times added.
        filled: Number of added times that filled a hole before the last time.
        known: Number of times that the archive already held.
        mended: Number of blocks with damaged chunks that were rewritten.
        first_time: Earliest time in the archive now.
        last_time: Latest time in the archive now.
        identity: SHA-256 of the contents of the archive now.
    """

    archive: Path
    added: int
    filled: int
    known: int
    mended: int
    first_time: np.datetime64
    last_time: np.datetime64
    identity: str


def header_of(entry: DatasetEntry, analysis: xr.Dataset, static: Mapping[str, NDArray[np.float32]]) -> Header:
    """Build the header of a new archive for an analysis.

    Args:
        entry: The dataset.
        analysis: In canonical layout.
        static: Channels without time, (latitude, longitude), by name.
    """
    latitude = analysis["latitude"].values.astype(np.float64)
    longitude = analysis["longitude"].values.astype(np.float64)
    names = (*entry.channels, *entry.static)
    return Header(
        dataset=entry.name,
        channels=entry.channels,
        static={name: archive_layout.static_digest(values) for name, values in static.items()},
        latitude=latitude,
        longitude=longitude,
        times_per_block=times_per_block(latitude.size * longitude.size),
        attributes={
            "Conventions": "CF-1.11",
            "title": entry.title,
            "dataset": entry.name,
            "simulated": "true" if entry.simulated else "false",
            "license": entry.licence,
            "references": "; ".join(entry.references),
            "source": str(analysis.attrs.get("source", analysis.attrs.get("title", entry.description))),
        },
        field_attributes={name: {key: str(text) for key, text in analysis[name].attrs.items()} for name in names},
    )


class Writer:
    """Carries out one ingest; the caller holds the lock of the archive."""

    def __init__(
        self,
        archive: Path,
        ledger: Ledger,
        entry: DatasetEntry,
        analysis: xr.Dataset,
        static: Mapping[str, NDArray[np.float32]],
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._header = ledger.header
        self._analysis = analysis
        self._reader = ChunkReader(archive, ledger)
        self._on_progress = on_progress
        self._times = analysis["time"].values
        self._done = 0
        self._check_same_dataset(entry, static)

    def run(self, *, compare: Literal["all", "latest"]) -> IngestSummary:
        """Repair damaged chunks, compare known times (all, or those of the latest block) and append new ones.

        Args:
            compare: Which of the archived times are compared with the source; a difference is an error.
        """
        known = self._ledger.digest_by_time()
        last_before = max(known, default=None)
        is_known = np.array([time in known for time in self._times], bool)
        mended = self._repair(set(self._times[is_known].tolist()))
        skipped = max(0, int(is_known.sum()) - self._header.times_per_block) if compare == "latest" else 0
        self._advance(skipped)
        self._compare(np.flatnonzero(is_known)[skipped:], known)
        new = np.flatnonzero(~is_known)
        self._append(new)
        archive_layout.publish(self._archive, self._ledger)
        archive_layout.clean(self._archive)
        times = self._ledger.arrival_times()
        return IngestSummary(
            archive=self._archive,
            added=len(new),
            filled=0 if last_before is None else int((self._times[new] < last_before).sum()),
            known=int(is_known.sum()),
            mended=mended,
            first_time=times.min(),
            last_time=times.max(),
            identity=self._ledger.identity(),
        )

    def _check_same_dataset(self, entry: DatasetEntry, static: Mapping[str, NDArray[np.float32]]) -> None:
        header, where = self._header, str(self._archive)
        if header.dataset != entry.name:
            raise InvalidDataError(f"{where}: expected dataset {header.dataset}, found {entry.name}")
        names = (*header.channels, *header.static)
        if set(names) != set(map(str, self._analysis.data_vars)):
            raise InvalidDataError(
                f"{where}: expected channels {', '.join(names)}, found {', '.join(map(str, self._analysis.data_vars))}"
            )
        check_same_grid(self._analysis, header.latitude, header.longitude, where=f"{where} (grid of the archive)")
        for name, values in static.items():
            if archive_layout.static_digest(values) != header.static[name]:
                raise InvalidDataError(f"{where}: {name}: expected the archived field, found another in the source")

    def _fields(self, indices: NDArray[np.intp]) -> dict[str, NDArray[np.float32]]:
        """Read every channel at some times of the source; blocks of different channels are read together."""
        chosen = at_times(self._analysis[list(self._header.channels)], indices)
        loaded = chosen.compute()
        return {name: np.ascontiguousarray(loaded[name].values, "<f4") for name in self._header.channels}

    def _pieces(self, indices: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        """Split indices into pieces whose values fit in memory; pieces of several blocks hold whole blocks."""
        bytes_per_time = 4 * len(self._header.channels) * self._header.latitude.size * self._header.longitude.size
        block = self._header.times_per_block
        size = max(1, _BYTES_AT_ONCE // bytes_per_time)
        size = max(block, size // block * block) if bytes_per_time * block <= _BYTES_AT_ONCE else min(block, size)
        for start in range(0, len(indices), size):
            yield indices[start : start + size]

    def _advance(self, times: int) -> None:
        self._done += times
        if self._on_progress is not None and times:
            self._on_progress(self._done, len(self._times))

    def _compare(self, indices: NDArray[np.intp], known: Mapping[np.datetime64, str]) -> None:
        """Raise an error if the archive holds other values at one of these times."""
        for piece in self._pieces(indices):
            fields = self._fields(piece)
            for row, (time, digest) in enumerate(zip(self._times[piece], digests(fields), strict=True)):
                if digest != known[time]:
                    self._refuse(time, {name: field[row] for name, field in fields.items()})
            self._advance(len(piece))

    def _refuse(self, time: np.datetime64, offered: Mapping[str, NDArray[np.float32]]) -> None:
        when = str(time.astype("datetime64[s]"))
        for block_index, block in enumerate(self._ledger.blocks):
            if when not in block.times:
                continue
            offset = np.array([block.times.index(when)])
            for name, field in offered.items():
                archived = self._reader.values(name, block_index, offset)[0]
                if archived.tobytes() != field.tobytes():
                    most = float(np.abs(archived.astype(np.float64) - field).max())
                    raise InvalidDataError(
                        f"{self._archive}: {name} at {when}: expected the archived values, found others in the source "
                        f"(they differ by up to {most:.3g} {self._header.field_attributes[name]['units']})"
                    )
        raise InvalidDataError(f"{self._archive}: {when}: expected the archived values, found others in the source")

    def _repair(self, offered: set[int]) -> int:
        """Rewrite damaged chunks of blocks for which the source has times; return how many blocks were rewritten."""
        mended = 0
        for index, block in enumerate(self._ledger.blocks):
            stored = np.array(block.times, "datetime64[ns]")
            if not offered.intersection(stored.tolist()):
                continue
            faults = [self._reader.fault(name, index, deep=True) for name in self._header.channels]
            fault = next((fault for fault in faults if fault is not None), None)
            if fault is None:
                continue
            if not offered.issuperset(stored.tolist()):
                first, last = stored.min(), stored.max()
                raise InvalidDataError(f"{fault}; to repair it, ingest all of {first:.10} to {last:.10}") from fault
            self._rewrite(index, block, stored)
            mended += 1
        return mended

    def _rewrite(self, index: int, block: Block, stored: NDArray[np.datetime64]) -> None:
        """Rewrite a block from the source, provided that the source still has the committed values."""
        fields = self._fields(np.searchsorted(self._times, stored))
        for offset, digest in enumerate(digests(fields)):
            if digest != block.digests[offset]:
                raise InvalidDataError(
                    f"{self._archive}: {block.times[offset]}: expected the archived values, to repair a damaged chunk, "
                    "found others in the source"
                )
        self._store(index, fields, [], [])

    def _append(self, indices: NDArray[np.intp]) -> None:
        for piece in self._pieces(indices):
            fields = self._fields(piece)
            of_time = digests(fields)
            start = 0
            while start < len(piece):
                start += self._append_block(piece, fields, of_time, start)

    def _append_block(
        self, piece: NDArray[np.intp], fields: Mapping[str, NDArray[np.float32]], of_time: list[str], start: int
    ) -> int:
        """Fill the last block, or start a new one; return how many times were added."""
        size = self._header.times_per_block
        blocks = self._ledger.blocks
        index = len(blocks) - 1 if blocks and len(blocks[-1].times) < size else len(blocks)
        held = len(blocks[index].times) if index < len(blocks) else 0
        chosen = slice(start, min(len(piece), start + size - held))
        added = {name: field[chosen] for name, field in fields.items()}
        if held:
            before = {name: self._reader.values(name, index, np.arange(held)) for name in added}
            added = {name: np.concatenate([before[name], field]) for name, field in added.items()}
        times = [str(time.astype("datetime64[s]")) for time in self._times[piece[chosen]]]
        self._store(index, added, times, of_time[chosen])
        self._advance(len(times))
        return len(times)

    def _store(
        self, index: int, fields: Mapping[str, NDArray[np.float32]], times: list[str], of_time: list[str]
    ) -> None:
        """Write chunks to disk, check them by decoding them again, then record them in the ledger."""
        shape = (self._header.times_per_block, self._header.latitude.size, self._header.longitude.size)
        contents = {}
        for name, field in fields.items():
            whole = np.full(shape, np.nan, "<f4")
            whole[: len(field)] = field
            contents[name] = encode(whole)
            if decode(contents[name], shape)[: len(field)].tobytes() != field.tobytes():
                raise InvalidDataError(
                    f"{self._archive}: {name}: expected a chunk to decode to the values it was made from, found others"
                )
        chunks = {name: StoredChunk.of(content) for name, content in contents.items()}
        if index < len(self._ledger.blocks):
            self._ledger.intend(index, chunks)
        for name, content in contents.items():
            path = self._reader.path(name, index)
            write_durably(path, content, aside=archive_layout.unfinished_files(self._archive))
        self._ledger.commit(index, times, of_time, chunks)


def digests(fields: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """Return one digest of all channels together for each time.

    Args:
        fields: Values (time, latitude, longitude) by channel, in the order of the header.
    """
    count = len(next(iter(fields.values())))
    return [
        hashlib.blake2b(b"".join(field[index].tobytes() for field in fields.values()), digest_size=16).hexdigest()
        for index in range(count)
    ]
