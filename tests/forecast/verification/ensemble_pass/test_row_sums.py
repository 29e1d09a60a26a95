"""Compiled sums over rows give what NumPy gives, and lose no digits in long rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification.ensemble_pass import row_sums, row_sums_numpy
from forecast.verification.ensemble_pass.row_sums import BLOCK

POINTS = st.sampled_from([0, 1, 7, BLOCK - 1, BLOCK, 2 * BLOCK + 3])


def drawn(seed: int, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two fields of three rows with missing values where the weight is 0, in the last row elsewhere too."""
    generator = np.random.default_rng(seed)
    one, other = (50_000 + 100 * generator.standard_normal((3, points)) for _ in range(2))
    weight = np.where(generator.random((3, points)) < 0.2, 0.0, generator.random((3, points)))
    one[weight == 0] = np.nan
    one[2, points // 2 :: 3] = np.nan
    return one.astype("float32"), other, weight


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9), POINTS, st.booleans())
def test_moments(seed: int, points: int, skip_missing: bool) -> None:
    fields = drawn(seed, points)
    found, expected = (room.row_moments(*fields, skip_missing=skip_missing) for room in (row_sums, row_sums_numpy))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * points)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9), POINTS, st.booleans(), st.sampled_from([1, 2, 10, 50]))
def test_classes(seed: int, points: int, skip_missing: bool, classes: int) -> None:
    one, _, weight = drawn(seed, points)
    chance = np.where(np.isnan(one), np.nan, np.random.default_rng(seed).integers(0, 51, one.shape) / 50)
    happened = (np.random.default_rng(seed + 1).random(one.shape) < 0.5).astype(float)
    edges = np.arange(1, classes) / classes
    found, expected = (
        room.class_sums(chance, happened, weight, edges=edges, skip_missing=skip_missing)
        for room in (row_sums, row_sums_numpy)
    )
    assert found.shape == (3, classes, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("constant", [0.1, 1e8, 273.15])
def test_a_constant_has_no_variance(constant: float) -> None:
    field = np.full((1, 5 * BLOCK + 1), constant)
    moments = row_sums.row_moments(field, field, np.full(field.shape, 0.3), skip_missing=False)[0]
    assert moments[1:].tolist() == [constant, constant, 0, 0, 0]
