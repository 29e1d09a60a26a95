"""Networks sort whatever they are given; so do the compiled blocks."""

import itertools
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.sorting import (
    BLOCK,
    MERGE_EIGHTS,
    SORT_EIGHT,
    merge_blocks,
    sort_block,
    sorting_network,
)
from forecast.verification.ensemble_pass.vector_type import LANE_BYTES


def run(network: Iterable[tuple[int, int]], values: list[int]) -> list[int]:
    values = list(values)
    for low, high in network:
        values[low], values[high] = sorted((values[low], values[high]))
    return values


# A network that sorts all sequences of 0 and 1 sorts everything (Knuth 5.3.4, theorem Z).
def test_eight_numbers_are_sorted() -> None:
    for zeros_and_ones in itertools.product((0, 1), repeat=8):
        assert run(SORT_EIGHT, list(zeros_and_ones)) == sorted(zeros_and_ones)


def test_two_sorted_eights_are_merged() -> None:
    for one, two in itertools.product(range(9), repeat=2):
        values = [0] * (8 - one) + [1] * one + [0] * (8 - two) + [1] * two
        assert run(MERGE_EIGHTS, values) == sorted(values)


def test_any_number_of_numbers_is_sorted() -> None:
    rng = np.random.default_rng(0)
    assert sorting_network(1).shape == (0, 2)
    for size in (2, 3, 7, 11, 12):
        network = [(int(low), int(high)) for low, high in sorting_network(size)]
        for _ in range(200):
            values = rng.integers(0, 2, size).tolist()
            assert run(network, values) == sorted(values)


@compiled
def _sort(tile: NDArray[np.float64], network: NDArray[np.int64]) -> None:
    for first in range(0, tile.shape[0], BLOCK):
        sort_block(tile, first)
    for pair in range(network.shape[0]):
        merge_blocks(tile, network[pair, 0] * BLOCK, network[pair, 1] * BLOCK)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("members", [1, 2, 8, 9, 50, 133])
def test_members_of_all_points_are_sorted(members: int, dtype: type) -> None:
    lanes = LANE_BYTES // np.dtype(dtype).itemsize
    rng = np.random.default_rng(members)
    values = rng.gamma(1.0, size=(members, lanes)).round(1).astype(dtype)
    values[rng.random(values.shape) < 0.1] = np.inf
    blocks = -(-members // BLOCK)
    tile = np.full((blocks * BLOCK, lanes), np.inf, dtype)
    tile[:members] = values
    _sort(tile, sorting_network(blocks))
    np.testing.assert_array_equal(tile[:members], np.sort(values, axis=0))
    assert np.isinf(tile[members:]).all()
