"""What an archive holds: its header and the digests of its values; and what an ingest changed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.chunks import times_per_block
from data_catalog.archive.header import Header
from data_catalog.catalog import DatasetEntry
from data_catalog.quality.verdicts import Suspicion
from data_catalog.statistics.regridding import METHOD_ATTRIBUTE, SOURCE_ATTRIBUTE


@dataclass(frozen=True)
class IngestSummary:
    """The result of an ingest.

    Attributes:
        archive: Directory of the archive.
        added: Number of times added.
        filled: Number of added times that filled a hole before the last time.
        known: Number of times that the archive already held.
        mended: Number of blocks and static channels that were damaged and were rewritten.
        replaced: Number of times and static channels whose values were replaced by corrected ones.
        first_time: Earliest time in the archive now.
        last_time: Latest time in the archive now.
        identity: SHA-256 of the contents of the archive now.
        suspect: What is suspect among the times of this ingest.
        not_judged: Number of times of the archive that were never judged.
    """

    archive: Path
    added: int
    filled: int
    known: int
    mended: int
    replaced: int
    first_time: np.datetime64
    last_time: np.datetime64
    identity: str
    suspect: tuple[Suspicion, ...] = ()
    not_judged: int = 0


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
    regridding = {key: analysis.attrs[key] for key in (METHOD_ATTRIBUTE, SOURCE_ATTRIBUTE) if key in analysis.attrs}
    members = tuple(map(int, analysis["member"].values)) if "member" in analysis.dims else ()
    return Header(
        dataset=entry.name,
        channels=entry.channels,
        static={name: archive_layout.static_digest(values) for name, values in static.items()},
        latitude=latitude,
        longitude=longitude,
        times_per_block=times_per_block(latitude.size * longitude.size * max(1, len(members))),
        attributes={
            "Conventions": "CF-1.11",
            "title": entry.title,
            "dataset": entry.name,
            "simulated": "true" if entry.simulated else "false",
            "license": entry.licence,
            "references": "; ".join(entry.references),
            "source": str(analysis.attrs.get("source", analysis.attrs.get("title", entry.description))),
            **regridding,
        },
        field_attributes={name: {key: str(text) for key, text in analysis[name].attrs.items()} for name in names},
        members=members,
    )


def digests(fields: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """Return one digest of all channels together for each time.

    Args:
        fields: Values (time, [member,] latitude, longitude) by channel, in the order of the header.
    """
    found = []
    for index in range(len(next(iter(fields.values())))):
        digest = hashlib.blake2b(digest_size=16)
        for field in fields.values():
            digest.update(np.ascontiguousarray(field[index]).data)
        found.append(digest.hexdigest())
    return found
