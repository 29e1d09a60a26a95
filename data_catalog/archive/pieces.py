"""Splits the times of an analysis into pieces that are read one by one, by any thread or process."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from dask.base import optimize
from dask.local import get_sync
from dask.optimization import cull
from numpy.typing import NDArray

from data_catalog.layout.coordinates import at_times

_PIECES_AT_ONCE = 128
"""Pieces that are cut out of the Dask graph of an analysis together, which costs little more than to cut out one."""


@dataclass(frozen=True)
class Piece:
    """Some times of an analysis, not read yet; it can be sent to another process.

    Attributes:
        indices: Positions of these times in the analysis.
        times: The times, ISO 8601, to the second.
        fields: Values by channel, where the analysis is in memory; empty otherwise.
        tasks: Dask tasks that read the values.
        keys: Key of the task that returns the values, by channel.
    """

    indices: NDArray[np.intp]
    times: tuple[str, ...]
    fields: Mapping[str, NDArray[Any]]
    tasks: Mapping[Any, Any]
    keys: Mapping[str, Any]

    def read(self) -> dict[str, NDArray[np.float32]]:
        """Read and check the values of every channel, (time, latitude, longitude), in this thread.

        Raises:
            InvalidDataError: The source is damaged, or a value cannot be believed.
        """
        found = dict(self.fields)
        if self.keys:
            found |= zip(self.keys, get_sync(self.tasks, list(self.keys.values())), strict=True)
        return {name: np.ascontiguousarray(values, "<f4") for name, values in found.items()}


def pieces_of(analysis: xr.Dataset, channels: Sequence[str], parts: Sequence[NDArray[np.intp]]) -> Iterator[Piece]:
    """Cut an analysis into pieces.

    Args:
        analysis: In canonical layout, lazy or not.
        channels: Channels to read.
        parts: Positions in time of each piece.
    """
    chosen = analysis[list(channels)]
    for some in _batched(parts, _PIECES_AT_ONCE):
        selected = at_times(chosen, np.concatenate(some))
        stops = np.cumsum([len(part) for part in some])
        yield from _cut(selected, some, [slice(stop - len(part), stop) for part, stop in zip(some, stops, strict=True)])


def _batched(parts: Sequence[NDArray[np.intp]], size: int) -> Iterator[Sequence[NDArray[np.intp]]]:
    for start in range(0, len(parts), size):
        yield parts[start : start + size]


def _cut(selected: xr.Dataset, parts: Sequence[NDArray[np.intp]], places: Sequence[slice]) -> Iterator[Piece]:
    times = selected["time"].values.astype("datetime64[s]").astype(str)
    in_memory = {str(name): field.values for name, field in selected.items() if field.chunks is None}
    sizes = tuple(len(part) for part in parts)
    lazy = {str(name): field.data for name, field in selected.items() if field.chunks is not None}
    # Not by shuffling between workers, which Dask would choose on a cluster: a piece must be a task of its own.
    arrays = [array.rechunk((sizes, *array.shape[1:]), method="tasks") for array in lazy.values()]
    keys = dict(zip(lazy, optimize(*arrays), strict=True))  # type: ignore[no-untyped-call]
    graph = {key: task for array in keys.values() for key, task in array.__dask_graph__().items()}
    for number, (part, place) in enumerate(zip(parts, places, strict=True)):
        wanted = {name: (array.name, number, *([0] * (array.ndim - 1))) for name, array in keys.items()}
        tasks = cull(graph, list(wanted.values()))[0] if wanted else {}  # type: ignore[no-untyped-call]
        values = {name: field[place] for name, field in in_memory.items()}
        yield Piece(part, tuple(times[place].tolist()), values, tasks, wanted)
