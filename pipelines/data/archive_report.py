"""Writes the page of an archive."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive.holes import described
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import ArchiveState, inspect_archive
from data_catalog.archive.verdicts import SuspectGroup, grouped
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import without_secrets
from data_catalog.layout.times import minute
from data_catalog.quality.verdicts import Suspicion
from data_catalog.storage.object_path import AnyPath
from forecast.products.page.archive_charts import SUSPECT, calendar, range_chart
from forecast.products.page.archive_page import (
    ArchiveContent,
    Rows,
    ShownChannel,
    Verdict,
    write_archive_page,
)
from forecast.products.page.rendering import size_words
from forecast.products.page.score_tables import PLAIN_UNITS
from forecast.products.plots.styles import style_of
from pipelines.data.archive_values import all_times, bounds_words, draw_maps, read_ranges, states_of
from pipelines.terminal.progress import progress

_MOST_ROWS = 100


def write_archive_report(entry: DatasetEntry, archive: AnyPath, out: Path) -> Path:
    """Write the page of an archive: what is there, what is suspect and why, values, maps, ledger and provenance.

    Args:
        entry: The dataset.
        archive: Path of the archive.
        out: The HTML file.

    Returns:
        `out`.

    Raises:
        MissingDataError: There is no archive, or no time in it.
        InvalidDataError: The archive is damaged.
    """
    analysis, state, ledger = open_archive(archive), inspect_archive(archive), Ledger.read(archive)
    every = all_times(state.times, state.holes)
    with tempfile.TemporaryDirectory() as pictures:
        channels, states, read = [], [], 0
        with progress(f"Page of {entry.name}", len(state.channels), "channels") as advance:
            for number, name in enumerate(state.channels, 1):
                states.append(states_of(name, every, state.holes, ledger.verdicts))
                shown, read = _channel(analysis[name], every, states[-1], ledger, Path(pictures))
                channels.append(shown)
                advance(number)
        gravest = np.max(states, axis=0)
        content = _content(entry, state, ledger, every, gravest, channels, read)
        return write_archive_page(content, out)


def _channel(
    field: xr.DataArray,
    every: NDArray[np.datetime64],
    states: NDArray[np.intp],
    ledger: Ledger,
    pictures: Path,
) -> tuple[ShownChannel, int]:
    """A channel, and from how many times its ranges are."""
    name = str(field.name)
    ranges = read_ranges(field)
    unit = style_of(name).unit
    chart = range_chart(ranges, list(every[states == SUSPECT]))
    own: Sequence[Suspicion] = [one for one in ledger.verdicts.suspect if one.channel == name and one.time is not None]
    maps = draw_maps(field, grouped(own), pictures)
    words = bounds_words(ranges, PLAIN_UNITS.get(unit, unit))
    return ShownChannel(name, calendar(every, states), chart, words, maps), len(ranges.times)


def _content(
    entry: DatasetEntry,
    state: ArchiveState,
    ledger: Ledger,
    every: NDArray[np.datetime64],
    gravest: NDArray[np.intp],
    channels: Sequence[ShownChannel],
    read: int,
) -> ArchiveContent:
    groups = grouped(ledger.verdicts.suspect)
    overall = calendar(every, gravest)
    count = len(state.times)
    return ArchiveContent(
        entry,
        state.times[0],
        state.times[-1],
        _facts(count, overall.counts),
        overall,
        channels,
        f"of all {count} times" if read == count else f"of {read} of the {count} times, evenly spread",
        [_row(group) for group in groups[:_MOST_ROWS]],
        max(0, len(groups) - _MOST_ROWS),
        [(check, f"{number} measurements") for check, number in sorted(ledger.verdicts.measured.items())],
        [*described(ledger.holes, state.holes, state.times)],
        _ledger_rows(state, ledger),
        _provenance(entry, ledger),
    )


def _facts(count: int, counts: tuple[int, ...]) -> Rows:
    good, unjudged, missing, suspect = counts
    found = [(str(count), "times"), (str(suspect), "suspect"), (str(missing), "missing")]
    return [*found, (str(unjudged), "not judged") if unjudged else (f"{100 * good / sum(counts):.4g} %", "good")]


def _row(group: SuspectGroup) -> Verdict:
    check, _, reason = group.reason.partition(": ")
    when = "always" if not group.times else minute(group.times[0]).replace("T", " ")
    if len(group.times) > 1:
        when += f" to {minute(group.times[-1]).replace('T', ' ')}"
        reason = f"first: {reason}"
    return Verdict(", ".join(group.channels), when, str(max(1, len(group.times))), check, reason or check)


def _ledger_rows(state: ArchiveState, ledger: Ledger) -> Rows:
    chunks = [chunk for block in ledger.blocks for chunk in block.chunks.values()]
    generations = [number for block in ledger.blocks for number in block.generations.values()]
    corrected = f"{len(generations)} times, {max(generations)} times at most" if generations else "none"
    return [
        ("Identity of the values", state.identity),
        ("Last line of the ledger", ledger.last_commit or "not chained (an archive of an earlier release)"),
        ("Blocks and chunks", f"{len(ledger.blocks)} blocks, {len(chunks)} chunks"),
        ("Size", size_words(sum(chunk.size for chunk in chunks))),
        ("Corrections by the source", corrected),
        ("Published for other readers", "yes" if ledger.is_published else "no: an ingest is running or was killed"),
        ("Faults", "; ".join(state.faults[:5]) or "none (sizes compared; 'archive verify' reads every byte)"),
    ]


def _provenance(entry: DatasetEntry, ledger: Ledger) -> Rows:
    header = ledger.header
    rows, columns = header.latitude, header.longitude
    grid = f"{rows.size} × {columns.size} points, {rows[0]:g} to {rows[-1]:g}°N, {columns[0]:g} to {columns[-1]:g}°E"
    found = [
        ("Dataset", f"{entry.name}: {entry.description}"),
        ("Grid", f"{grid}, every {entry.step_hours} h"),
        ("Channels", ", ".join((*header.channels, *header.static))),
        ("Read from", without_secrets(entry.location or "") or entry.source),
        ("Licence", entry.licence),
        ("References", ", ".join(entry.references)),
        *((key.capitalize().replace("_", " "), value) for key, value in sorted(header.attributes.items())),
    ]
    return [(words, value) for words, value in found if value]
