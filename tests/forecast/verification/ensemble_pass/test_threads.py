"""Work is divided among threads where nobody else divides it, and its results do not tell by how many."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import ensemble_statistics
from forecast.verification.ensemble_pass import threads

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


def in_another_thread() -> int:
    found: list[int] = []
    other = threading.Thread(target=lambda: found.append(threads.thread_count()))
    other.start()
    other.join()
    return found[0]


def test_the_environment_bounds_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _process: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    assert threads.thread_count() == 8
    monkeypatch.setenv("OMP_NUM_THREADS", "5,2")
    assert threads.thread_count() == 5
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    assert threads.thread_count() == 3
    assert in_another_thread() == 1


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("points", [1, threads.LANES, 1000])
def test_pieces_are_all_points_once(monkeypatch: pytest.MonkeyPatch, count: int, points: int) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: count)
    pieces = threads.in_pieces(lambda part: part, points, 100 * threads.PIECE_BYTES)
    assert [piece.start for piece in pieces] == [0, *(piece.stop for piece in pieces[:-1])]
    assert pieces[-1].stop == points
    assert all(piece.start % threads.LANES == 0 for piece in pieces)
    assert threads.in_pieces(lambda part: part, points, 10) == [slice(0, points)]


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("missing", [False, True])
def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch, axis: int, missing: bool) -> None:
    rng = np.random.default_rng(0)
    ensemble, analysis = rng.normal(size=(9, 40, 333)).astype("f4"), rng.normal(size=(40, 333)).astype("f4")
    if missing:
        ensemble[3, ::7, ::11] = np.nan
        analysis[4, 200:] = np.inf
    laid = np.moveaxis(np.ascontiguousarray(np.moveaxis(ensemble, 0, axis)), axis, 0)
    pair = xr.DataArray(laid, dims=("member", "y", "x")), xr.DataArray(analysis, dims=("y", "x"))
    found = []
    for count in (1, 2, 5):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        monkeypatch.setattr(threads, "PIECE_BYTES", 1000)
        found.append(ensemble_statistics(*pair, threshold=[0.0, 1.0], skip_missing=True))
    for other in found[1:]:
        xr.testing.assert_identical(other, found[0])
