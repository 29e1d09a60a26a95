"""Sums over rows in NumPy have known answers."""

import numpy as np

from forecast.verification.ensemble_pass import row_sums_numpy
from forecast.verification.ensemble_pass.row_sums_numpy import MOMENTS, SUMS


def test_moments_of_a_short_row() -> None:
    one, other = np.array([[1.0, 3.0, np.nan]]), np.array([[2.0, 6.0, 5.0]])
    found = row_sums_numpy.row_moments(one, other, np.ones((1, 3)), skip_missing=True)[0]
    assert dict(zip(MOMENTS, found.tolist(), strict=True)) == {
        "weight": 2, "forecast_mean": 2, "analysis_mean": 4, "forecast_square": 2, "analysis_square": 8, "product": 4,
    }  # fmt: skip
    assert np.isnan(row_sums_numpy.row_moments(one, other, np.ones((1, 3)), skip_missing=False)).all()
    alone = row_sums_numpy.row_moments(one, other, np.array([[1.0, 0.0, 0.0]]), skip_missing=False)[0]
    assert alone.tolist() == [1, 1, 2, 0, 0, 0]


def test_a_probability_on_an_edge_belongs_to_the_class_above() -> None:
    chance, happened = np.array([[0.5, 0.4, 1.0]]), np.array([[1.0, 0.0, 0.0]])
    found = row_sums_numpy.class_sums(
        chance, happened, np.array([[2.0, 1.0, 1.0]]), edges=np.array([0.5]), skip_missing=False
    )
    low, high = ({name: float(value) for name, value in zip(SUMS, each, strict=True)} for each in found[0])
    assert low == {"issued": 1, "happened": 0, "probability": 0.4, "points": 1}
    assert high == {"issued": 3, "happened": 2, "probability": 2, "points": 2}
