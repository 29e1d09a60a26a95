"""Writes an archive: new times are packed block by block by several workers, and committed in order."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.chunks import ChunkReader, chunk_name
from data_catalog.archive.committing import committing
from data_catalog.archive.contents import IngestSummary, digests
from data_catalog.archive.entry_checks import check_same_regridding
from data_catalog.archive.ledger import Block, Ledger, StoredChunk
from data_catalog.archive.packing import Place, pack, pack_piece, read_digests
from data_catalog.archive.pieces import pieces_of
from data_catalog.archive.publication import publish
from data_catalog.archive.reading import read_static_field
from data_catalog.archive.workers import Workers
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_same_grid
from data_catalog.storage.atomic_files import write_durably

_BYTES_AT_ONCE = 32 * 1024**2


class Writer:
    """Carries out one ingest; the caller holds the lock of the archive."""

    def __init__(
        self,
        archive: Path,
        ledger: Ledger,
        entry: DatasetEntry,
        analysis: xr.Dataset,
        static: Mapping[str, NDArray[np.float32]],
        workers: Workers,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._archive = archive
        self._workers = workers
        self._ledger = ledger
        self._header = ledger.header
        self._analysis = analysis
        self._reader = ChunkReader(archive, ledger)
        self._on_progress = on_progress
        self._times = analysis["time"].values
        self._static = static
        self._done = 0
        self._place = Place(archive, archive_layout.unfinished_files(archive), self._header.chunk_shape)
        self._check_same_dataset(entry)

    @property
    def ledger(self) -> Ledger:
        """Ledger of the archive."""
        return self._ledger

    @property
    def _replacing(self) -> str:
        return f"'plumecast ingest {self._header.dataset} --replace' takes these"

    def run(self, *, compare: Literal["all", "latest"], replace: bool = False) -> IngestSummary:
        """Repair damaged chunks, compare known times (all, or those of the latest block) and append new ones.

        Args:
            compare: Which of the archived times are compared with the source.
            replace: Replace archived values that differ from the source; otherwise a difference is an error.
        """
        known = self._ledger.digest_by_time()
        last_before = max(known, default=None)
        is_known = np.array([time in known for time in self._times], bool)
        corrected = self._take_static(replace=replace)
        mended = self.mend(replace=replace)
        chosen = self._to_compare(np.flatnonzero(is_known), compare)
        self._advance(int(is_known.sum()) - len(chosen))
        replaced = self._compare(chosen, replace=replace)
        new = np.flatnonzero(~is_known)
        self.append(new)
        publish(self._archive, self._ledger)
        archive_layout.clean(self._archive)
        times = self._ledger.arrival_times()
        return IngestSummary(
            archive=self._archive,
            added=len(new),
            filled=0 if last_before is None else int((self._times[new] < last_before).sum()),
            known=int(is_known.sum()),
            mended=mended,
            replaced=corrected + replaced,
            first_time=times.min(),
            last_time=times.max(),
            identity=self._ledger.identity(),
        )

    def _to_compare(self, known: NDArray[np.intp], compare: Literal["all", "latest"]) -> NDArray[np.intp]:
        """Positions of the archived times that are compared: all, or the latest and those that were preliminary."""
        if compare == "all":
            return known
        is_latest = np.arange(len(known)) >= len(known) - self._header.times_per_block
        is_preliminary = np.array([self._is_preliminary(time) for time in self._times[known]], bool)
        return np.asarray(known[is_latest | is_preliminary], np.intp)

    def _is_preliminary(self, time: np.datetime64) -> bool:
        return str(time.astype("datetime64[s]")) in self._ledger.releases.preliminary

    def mend(self, *, replace: bool = False) -> int:
        """Rewrite damaged static fields, and damaged chunks of times that the source has.

        Args:
            replace: Whether values of a damaged block may differ from the archived ones.

        Returns:
            The number of static fields and blocks that were rewritten.
        """
        self._take_static(replace=False)
        known = self._ledger.digest_by_time()
        offered = {time for time in self._times.tolist() if np.datetime64(time, "ns") in known}
        return self._mend_static() + self._repair(offered, replace=replace)

    def _mend_static(self) -> int:
        mended = 0
        for name, values in self._static.items():
            try:
                read_static_field(self._archive, self._header, name)
            except InvalidDataError:
                archive_layout.write_static(self._archive, name, values)
                mended += 1
        return mended

    def _check_same_dataset(self, entry: DatasetEntry) -> None:
        header, where = self._header, str(self._archive)
        if header.dataset != entry.name:
            raise InvalidDataError(f"{where}: expected dataset {header.dataset}, found {entry.name}")
        names = (*header.channels, *header.static)
        if set(names) != set(map(str, self._analysis.data_vars)):
            raise InvalidDataError(
                f"{where}: expected channels {', '.join(names)}, found {', '.join(map(str, self._analysis.data_vars))}"
            )
        members = tuple(map(int, self._analysis["member"].values)) if "member" in self._analysis.dims else ()
        if members != header.members:
            raise InvalidDataError(f"{where}: expected members {list(header.members)}, found {list(members)}")
        check_same_grid(self._analysis, header.latitude, header.longitude, where=f"{where} (grid of the archive)")
        check_same_regridding(header.attributes, self._analysis, where=where)

    def _take_static(self, *, replace: bool) -> int:
        """Replace fields without time that differ from the archived ones, or refuse; return how many were replaced."""
        digests_now = {name: archive_layout.static_digest(values) for name, values in self._static.items()}
        differing = {name: one for name, one in digests_now.items() if one != self._header.static[name]}
        if differing and not replace:
            raise InvalidDataError(
                f"{self._archive}: {next(iter(differing))}: expected the archived field, found another in the source; "
                f"{self._replacing}"
            )
        if differing:
            # First the record: if the process is killed here, the source has what the archive then lacks.
            self._ledger.correct_static(differing)
            self._header = self._ledger.header
        for name in differing:
            archive_layout.write_static(self._archive, name, self._static[name])
        return len(differing)

    def _fields(self, indices: NDArray[np.intp]) -> dict[str, NDArray[np.float32]]:
        """Read every channel at some times of the source."""
        return next(pieces_of(self._analysis, self._header.channels, [indices])).read()

    def _parts(self, indices: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """Split indices into parts whose values fit in memory; parts of several blocks hold whole blocks."""
        bytes_per_time = 4 * len(self._header.channels) * math.prod(self._header.field_shape)
        block = self._header.times_per_block
        size = max(1, _BYTES_AT_ONCE // bytes_per_time) // block * block or block
        return [indices[start : start + size] for start in range(0, len(indices), size)]

    def _advance(self, times: int) -> None:
        self._done += times
        if self._on_progress is not None and times:
            self._on_progress(self._done, len(self._times))

    def _compare(self, indices: NDArray[np.intp], *, replace: bool) -> int:
        """Compare known times with the source; replace those that differ, or refuse; return how many were replaced."""
        replaced, parts = 0, self._parts(indices)
        pieces = pieces_of(self._analysis, self._header.channels, parts)
        for part, found in zip(parts, self._workers.in_order(read_digests, pieces), strict=True):
            known = self._ledger.digest_by_time()
            times = self._times[part]
            differing = [row for row, time in enumerate(times) if found[row] != known[time]]
            refused = [] if replace else [row for row in differing if not self._is_preliminary(times[row])]
            if refused:
                first = part[refused[:1]]
                self._refuse(self._times[first[0]], {name: one[0] for name, one in self._fields(first).items()})
            if differing:
                replaced += self._replace(times, self._fields(part), differing)
            self._advance(len(part))
        return replaced

    def _replace(
        self, times: NDArray[np.datetime64], fields: Mapping[str, NDArray[np.float32]], rows: Sequence[int]
    ) -> int:
        """Replace the archived values of some times, block by block."""
        row_of = {str(times[row].astype("datetime64[s]")): row for row in rows}
        for index, block in enumerate(self._ledger.blocks):
            offsets = [offset for offset, time in enumerate(block.times) if time in row_of]
            if not offsets:
                continue
            chosen = [row_of[block.times[offset]] for offset in offsets]
            whole = {name: self._reader.values(name, index, np.arange(len(block.times))).copy() for name in fields}
            for name, values in whole.items():
                values[offsets] = fields[name][chosen]
            self._store_replaced(index, whole, offsets)
        return len(rows)

    def _store_replaced(self, index: int, whole: Mapping[str, NDArray[np.float32]], offsets: Sequence[int]) -> None:
        """Write a block of which some times have new values. Until it is committed, its chunks cannot be read."""
        block = self._ledger.blocks[index]
        contents = self._encoded(whole)
        self._write(index, contents)
        of_time = digests(whole)
        self._ledger.replace(
            index,
            [block.times[offset] for offset in offsets],
            [of_time[offset] for offset in offsets],
            {name: StoredChunk.of(content) for name, content in contents.items()},
        )

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
                        f"(they differ by up to {most:.3g} {self._header.field_attributes[name]['units']}); "
                        f"{self._replacing}"
                    )
        raise InvalidDataError(f"{self._archive}: {when}: expected the archived values, found others in the source")

    def _repair(self, offered: set[int], *, replace: bool) -> int:
        """Rewrite damaged chunks of blocks for which the source has times; return how many blocks were rewritten."""
        mended, left = 0, []
        for index, block in enumerate(self._ledger.blocks):
            stored = np.array(block.times, "datetime64[ns]")
            if not offered.intersection(stored.tolist()):
                continue
            faults = [self._reader.fault(name, index, deep=True) for name in self._header.channels]
            fault = next((fault for fault in faults if fault is not None), None)
            if fault is None:
                continue
            try:
                if not offered.issuperset(stored.tolist()):
                    first, last = stored.min(), stored.max()
                    raise InvalidDataError(f"{fault}; to repair it, ingest all of {first:.10} to {last:.10}")
                self._rewrite(index, block, stored, replace=replace)
                mended += 1
            except InvalidDataError as error:
                left.append(error)
        if left:
            raise left[0]
        return mended

    def _rewrite(self, index: int, block: Block, stored: NDArray[np.datetime64], *, replace: bool) -> None:
        """Rewrite a block from the source, provided that the source still has the committed values."""
        fields = self._fields(np.searchsorted(self._times, stored))
        of_time = digests(fields)
        changed = [offset for offset, digest in enumerate(of_time) if digest != block.digests[offset]]
        if changed and replace:
            self._store_replaced(index, fields, changed)
        elif changed:
            raise InvalidDataError(
                f"{self._archive}: {block.times[changed[0]]}: expected the archived values, to repair a damaged chunk, "
                f"found others in the source; {self._replacing}"
            )
        else:
            self._store(index, fields, [], [])

    def append(self, indices: NDArray[np.intp]) -> None:
        """Append times of the source that the archive does not have, in this order.

        Args:
            indices: Positions of these times in the analysis.
        """
        filling = self._fill_last_block(indices)
        parts = self._parts(indices[filling:])
        pieces = pieces_of(self._analysis, self._header.channels, parts)
        first, per_part = len(self._ledger.blocks), -(-len(parts[0]) // self._header.times_per_block) if parts else 0
        numbered = ((first + number * per_part, piece) for number, piece in enumerate(pieces))
        with committing(self._ledger, self._advance) as commits:
            for packed in self._workers.in_order(partial(pack_piece, self._place), numbered):
                commits.add(packed)

    def _fill_last_block(self, indices: NDArray[np.intp]) -> int:
        """Fill the last block, if it has room; return how many times were added."""
        blocks, size = self._ledger.blocks, self._header.times_per_block
        held = len(blocks[-1].times) if blocks else size
        chosen = indices[: size - held]
        if not len(chosen):
            return 0
        fields, last = self._fields(chosen), len(blocks) - 1
        before = {name: self._reader.values(name, last, np.arange(held)) for name in fields}
        whole = {name: np.concatenate([before[name], field]) for name, field in fields.items()}
        times = [str(time.astype("datetime64[s]")) for time in self._times[chosen]]
        self._store(last, whole, times, digests(fields))
        self._advance(len(times))
        return len(times)

    def _store(
        self, index: int, fields: Mapping[str, NDArray[np.float32]], times: list[str], of_time: list[str]
    ) -> None:
        """Write chunks to disk, check them by decoding them again, then record them in the ledger."""
        contents = self._encoded(fields)
        chunks = {name: StoredChunk.of(content) for name, content in contents.items()}
        is_new = index == len(self._ledger.blocks)
        if not is_new and not times and self._ledger.blocks[index].chunks == chunks:
            self._write(index, contents)  # the ledger says so already
            return
        if not is_new:
            self._ledger.intend(index, chunks)
        self._write(index, contents)
        self._ledger.commit(index, times, of_time, chunks)

    def _encoded(self, fields: Mapping[str, NDArray[np.float32]]) -> dict[str, bytes]:
        """Encode the chunk of each channel, and check that it decodes to the same values."""
        return {name: pack(self._place, name, field) for name, field in fields.items()}

    def _write(self, index: int, contents: Mapping[str, bytes]) -> None:
        for name, content in contents.items():
            path = self._archive / name / chunk_name(len(self._header.chunk_shape), index)
            write_durably(path, content, aside=archive_layout.unfinished_files(self._archive))
