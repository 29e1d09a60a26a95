"""Sums over pairs by hand."""

import numpy as np

from forecast.verification.ensemble_pass.pairs_numpy import member_distances, variogram_errors


def test_distances_by_hand() -> None:
    members = np.array([[[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]], np.float32)
    error, pairs = member_distances(members, np.zeros((1, 2), np.float32))
    assert error.tolist() == [5.0]  # 0, 5 and 10 away
    assert pairs.tolist() == [20.0]  # 5, 5 and 10 apart


def test_variogram_by_hand() -> None:
    members, analysis = np.array([[[0.0, 4.0], [0.0, 16.0]]]), np.array([[0.0, 1.0]])
    # Root differences are 2 and 4 in the members, 1 in the analysis; each pair counts twice.
    assert variogram_errors(members, analysis, 0.5).tolist() == [2 * (1 - 3) ** 2]
    assert variogram_errors(members, analysis, 1.0).tolist() == [2 * (1 - 10) ** 2]
