"""Compiled sums over pairs give what NumPy gives, for fields of any size and number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification.ensemble_pass import pairs, pairs_numpy
from forecast.verification.ensemble_pass.pairs import LANES, MANY_POINTS

FIELDS = st.sampled_from([1, 2, LANES - 1, LANES, LANES + 3])
POINTS = st.sampled_from([1, 2, 7, MANY_POINTS - 1, MANY_POINTS, MANY_POINTS + LANES + 1])


def drawn(seed: int, fields: int, members: int, points: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    ensemble = 50_000 + 100 * generator.standard_normal((fields, members, points))
    return ensemble.astype(dtype), (50_000 + 100 * generator.standard_normal((fields, points))).astype(dtype)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9), FIELDS, st.integers(1, 5), POINTS, st.sampled_from(["float32", "float64"]))
def test_distances(seed: int, fields: int, members: int, points: int, dtype: str) -> None:
    ensemble, analysis = drawn(seed, fields, members, points, dtype)
    for found, expected in zip(
        pairs.member_distances(ensemble, analysis), pairs_numpy.member_distances(ensemble, analysis), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-11)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9), st.integers(1, 3), st.integers(1, 5), st.integers(1, 40), st.sampled_from([0.5, 1.0, 1.7]))
def test_variograms(seed: int, fields: int, members: int, points: int, order: float) -> None:
    ensemble, analysis = drawn(seed, fields, members, points, "float32")
    expected = pairs_numpy.variogram_errors(ensemble, analysis, order)
    np.testing.assert_allclose(pairs.variogram_errors(ensemble, analysis, order), expected, rtol=1e-9)


def test_two_like_members_are_no_distance_apart() -> None:
    ensemble, analysis = drawn(0, 3, 1, MANY_POINTS, "float64")
    twice = np.repeat(ensemble, 2, axis=1)
    assert (pairs.member_distances(twice, analysis)[1] == 0).all()


@pytest.mark.parametrize("points", [2, MANY_POINTS])
def test_a_missing_value_makes_its_field_missing_and_no_other(points: int) -> None:
    ensemble, analysis = drawn(0, LANES + 1, 3, points, "float64")
    ensemble[1, 2, 0], analysis[2, 1] = np.nan, np.nan
    error, apart = pairs.member_distances(ensemble, analysis)
    assert np.flatnonzero(np.isnan(error)).tolist() == [1, 2]
    assert np.flatnonzero(np.isnan(apart)).tolist() == [1]
    if points == 2:
        assert np.flatnonzero(np.isnan(pairs.variogram_errors(ensemble, analysis, 0.5))).tolist() == [1, 2]
