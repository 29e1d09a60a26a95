"""Reads from an archive what its page shows: states of times, ranges of values, and maps."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive.verdicts import SuspectGroup, Verdicts
from data_catalog.layout.cells import row_areas
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from data_catalog.quality.verdicts import NOT_JUDGED, SUSPECT
from forecast.products.page.archive_charts import GOOD, MISSING, Ranges
from forecast.products.page.archive_charts import NOT_JUDGED as UNJUDGED
from forecast.products.page.archive_charts import SUSPECT as DOUBTED
from forecast.products.page.archive_page import ShownMap
from forecast.products.plots.analysis_maps import plot_analysis_map
from forecast.products.plots.figures import clock
from forecast.products.plots.styles import style_of

_BYTES_OF_A_CHANNEL = 256 * 1024**2
_FEWEST_READ = 60
_AT_ONCE = 64
_MOST_SUSPECT_MAPS = 3
_STATES = {NOT_JUDGED: UNJUDGED, SUSPECT: DOUBTED}


def all_times(times: NDArray[np.datetime64], holes: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Return the times of an archive and those that it lacks, ascending.

    Args:
        times: Times of the archive.
        holes: Times that are missing.
    """
    return np.union1d(times, holes.astype(times.dtype))


def states_of(
    name: str, times: NDArray[np.datetime64], holes: NDArray[np.datetime64], verdicts: Verdicts
) -> NDArray[np.intp]:
    """Return the state of a channel at each time, as a calendar takes it.

    Args:
        name: Name of the channel.
        times: Times, also those that are missing.
        holes: Times that are missing.
        verdicts: Verdicts on the archive.
    """
    lacking = np.isin(times, holes)
    found = [
        MISSING if is_hole else _STATES.get(verdicts.state(time, name)[0], GOOD)
        for time, is_hole in zip(times, lacking, strict=True)
    ]
    return np.array(found, np.intp)


def read_ranges(field: xr.DataArray) -> Ranges:
    """Read lowest, mean and highest values of each time, or of evenly spread times where they are too many to read.

    Args:
        field: One channel of an archive, lazy, (time, latitude, longitude), perhaps with `member`.
    """
    name, points = str(field.name), field.size // field.sizes["time"]
    most = min(field.sizes["time"], max(_FEWEST_READ, _BYTES_OF_A_CHANNEL // (4 * points)))
    chosen = np.unique(np.linspace(0, field.sizes["time"] - 1, most).astype(int))
    lowest, mean, highest = (np.concatenate(parts) for parts in zip(*_summaries(field, chosen), strict=True))
    factor = style_of(name).factor
    low, high = channel(name).plausible
    bounds = (low * factor, high * factor)
    return Ranges(field["time"].values[chosen], lowest * factor, mean * factor, highest * factor, bounds)


def _summaries(field: xr.DataArray, chosen: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.float64], ...]]:
    weights = xr.DataArray(row_areas(field["latitude"].values), dims=["latitude"])
    for start in range(0, len(chosen), _AT_ONCE):
        part = field.isel(time=chosen[start : start + _AT_ONCE]).load()
        places = [dim for dim in part.dims if dim != "time"]
        found = (part.min(places), part.weighted(weights).mean(places), part.max(places))
        yield tuple(one.values.astype(np.float64) for one in found)


def bounds_words(ranges: Ranges, unit: str) -> str:
    """Return how near the values come to their bounds, in words.

    Args:
        ranges: Values.
        unit: Their unit.
    """
    low, high = float(np.nanmin(ranges.lowest)), float(np.nanmax(ranges.highest))
    return f"{low:.4g} to {high:.4g} {unit}; believable are {ranges.bounds[0]:.4g} to {ranges.bounds[1]:.4g}"


def draw_maps(field: xr.DataArray, groups: Sequence[SuspectGroup], directory: Path) -> list[ShownMap]:
    """Draw the first and the last time of a channel, and the first times of what is suspect beside the times before.

    Args:
        field: One channel of an archive, lazy, (time, latitude, longitude); of an ensemble the first member is drawn.
        groups: What is suspect in the channel, with times.
        directory: Where the pictures are written.
    """
    field = field.isel(member=0) if "member" in field.dims else field
    ends = _drawn_together(field, [0, -1], ("First time", "Last time"), ("", ""), directory)
    times = field["time"].values
    for group in groups[:_MOST_SUSPECT_MAPS]:
        position = int(np.searchsorted(times, group.times[0]))
        before = [position - 1] if position else []
        headings = ("Suspect", *(["The time before"] if before else []))
        ends += _drawn_together(field, [position, *before], headings, (group.reason, ""), directory)
    return ends


def _drawn_together(
    field: xr.DataArray, positions: Sequence[int], headings: Sequence[str], words: Sequence[str], directory: Path
) -> list[ShownMap]:
    """Maps that share their colours."""
    fields = [field.isel(time=position).load() for position in positions]
    shown = []
    for one, heading, more in zip(fields, headings, words, strict=False):
        time = np.datetime64(one["time"].values.item(), "ns")
        out = directory / f"{field.name}_{heading.replace(' ', '_')}_{iso(time).replace(':', '')}.png"
        shown.append(ShownMap(plot_analysis_map(one, out, beside=fields), f"{heading}: {clock(time)}", more))
    return shown
