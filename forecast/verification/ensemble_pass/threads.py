"""Pieces of an array worked on by several threads of one process, whose results do not depend on how many there are."""

import math
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from data_catalog.cores import usable_cores

Result = TypeVar("Result")
PIECE_BYTES = 2**21
"""Bytes of input below which a piece is not worth handing to a thread."""
LANES = 64
"""Pieces begin at multiples of as many points, so that the same points share a register whatever the pieces."""
MOST_PIECES = 4
"""Pieces for each thread, at most: the more there are, the less a thread waits for one that is held up."""


def thread_count() -> int:
    """Return the number of threads that work may be divided among here.

    It is the smallest of the cores that this process may use, `OMP_NUM_THREADS` and `NUMBA_NUM_THREADS`. It is 1
    in any thread but the main one and in worker processes: there somebody else, such as Dask, divides the work already.
    """
    alone = threading.current_thread() is threading.main_thread() and multiprocessing.parent_process() is None
    if not alone:
        return 1
    asked = [os.environ.get(f"{name}_NUM_THREADS", "").split(",")[0] for name in ("OMP", "NUMBA")]
    return max(1, min([usable_cores(), *(int(number) for number in asked if number.strip().isdigit())]))


def in_pieces(work: Callable[[slice], Result], points: int, nbytes: int) -> list[Result]:
    """Apply a function to pieces of a row of points, by threads where that is worth it.

    Threads live no longer than the call, so none is lost when the process forks.

    Args:
        work: Function of the slice of points that it is to work on, which lets other threads run meanwhile.
        points: Number of points.
        nbytes: Bytes of the input of all points.

    Returns:
        What the function returned for each piece, in order.
    """
    threads = thread_count() if nbytes >= 2 * PIECE_BYTES else 1
    if threads == 1:
        return [work(slice(0, points))]
    wanted = min(threads * MOST_PIECES, nbytes // PIECE_BYTES)
    size = max(1, math.ceil(points / wanted / LANES)) * LANES
    pieces = [slice(start, min(start + size, points)) for start in range(0, points, size)]
    with ThreadPoolExecutor(min(threads, len(pieces))) as pool:
        return list(pool.map(work, pieces))
