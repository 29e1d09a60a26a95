"""The pass in NumPy on ensembles small enough to do by hand."""

import numpy as np
from numpy.typing import NDArray

from forecast.verification.ensemble_pass import kernels_numpy


def run(members: list[float], analysis: float, least: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    """Floats and counts of one point, with a threshold of 2."""
    floats, counts = np.empty((7, 1, 1)), np.empty((4, 1, 1), np.int16)
    ensemble = np.array(members, float).reshape(1, -1, 1)
    kernels_numpy.ensemble_pass(ensemble, np.array([[analysis]], float), np.array([2.0]), floats, counts, least)
    return floats[:, 0, 0], counts[:, 0, 0]


def test_three_members() -> None:
    floats, counts = run([1.0, 2.0, 6.0], 2.0)
    # Absolute errors 1, 0, 4; differences of members 1, 4, 5; one of three exceeds 2, which did not happen.
    expected = [3.0, 1.0, 7.0, 5 / 3 - 10 / 9, 5 / 3 - 10 / 6, 1 / 9, 1 / 9 - 1 / 3 * 2 / 3 / 2]
    np.testing.assert_allclose(floats, expected, atol=1e-15)
    assert counts.tolist() == [3, 1, 1, 1]


def test_a_missing_member_is_as_if_never_made() -> None:
    (holed, counted), (fewer, expected) = run([1.0, np.nan, 6.0], 2.0), run([1.0, 6.0], 2.0)
    np.testing.assert_array_equal(holed, fewer)
    np.testing.assert_array_equal(counted, expected)
    assert np.isnan(run([1.0, np.nan, 6.0], 2.0, least=3)[0]).all()


def test_one_member_has_no_variance_and_no_fair_score() -> None:
    floats, _ = run([4.0], 1.0)
    np.testing.assert_array_equal(floats, [4.0, 3.0, np.nan, 3.0, np.nan, 1.0, np.nan])


def test_many_points_are_taken_in_tiles() -> None:
    rng = np.random.default_rng(0)
    ensemble, analysis = rng.normal(size=(1, 3, 200_000)), rng.normal(size=(1, 200_000))
    floats, counts = np.empty((5, 1, 200_000)), np.empty((3, 1, 200_000), np.int16)
    kernels_numpy.ensemble_pass(ensemble, analysis, np.empty(0), floats, counts, 3)
    np.testing.assert_allclose(floats[0, 0], ensemble[0].mean(axis=0), atol=1e-14)
