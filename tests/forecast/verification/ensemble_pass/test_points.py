"""Compiled steps at each point give what NumPy gives, for any type, shape and memory, missing values included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification.ensemble_pass import points, points_numpy

TYPES = st.sampled_from(["float32", "float64", ">f4", "int16"])
SHAPES = st.sampled_from([(), (1,), (3, 5), (2, 3, 300)])
LEVELS = np.array([0.1, 0.5, 0.9])


def drawn(seed: int, shape: tuple[int, ...], dtype: str, *, missing: bool = False) -> np.ndarray:
    generator = np.random.default_rng(seed)
    field = np.round(280 + 20 * generator.standard_normal(shape), 1)
    if missing and np.dtype(dtype).kind == "f":
        field = np.where(generator.random(shape) < 0.1, np.nan, field)
    return np.asarray(field).astype(dtype)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9), SHAPES, TYPES, TYPES)
def test_they_are_those_of_numpy(seed: int, shape: tuple[int, ...], one: str, other: str) -> None:
    first, second = drawn(seed, shape, one, missing=True), drawn(seed + 100, shape, other, missing=True)
    third = drawn(seed + 200, shape, "float32")
    pairs = [
        (points.squared_differences(first, second), points_numpy.squared_differences(first, second)),
        (points.turns(first * 3, second), points_numpy.turns(first * 3, second)),
        (points.skills(first, second, 280.0), points_numpy.skills(first, second, 280.0)),
        tuple(room.interval_parts(first, second, third, scale=20.0) for room in (points, points_numpy)),
    ]
    for found, expected in pairs:
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9), SHAPES, TYPES, st.booleans())
def test_quantiles_are_scored_as_by_numpy(seed: int, shape: tuple[int, ...], dtype: str, first: bool) -> None:
    quantiles = np.sort(drawn(seed, (*shape, 3), dtype), axis=-1)
    quantiles = np.moveaxis(np.moveaxis(quantiles, -1, 0).copy(), 0, -1) if first else quantiles
    analysis = drawn(seed + 100, shape, "float32", missing=True)
    widths = np.array([0.3, 0.4, 0.3])
    found, expected = (room.pinball(quantiles, analysis, LEVELS) for room in (points, points_numpy))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    found, expected = (room.quantile_integral(quantiles, analysis, LEVELS, widths) for room in (points, points_numpy))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("place", [0, 255, 256, 700])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_the_first_wrong_number_is_found(place: int, dtype: str) -> None:
    values = np.zeros((7, 101), dtype)
    values[:, 3] = 1
    if dtype != "int16":
        values[0, 1] = np.nan
    assert points.first_outside(values, 0.0, 1.0) == points.first_between(values, 0.0, 1.0) == -1
    values.flat[place:] = 2
    assert points.first_outside(values, 0.0, 1.0) == points_numpy.first_outside(values, 0.0, 1.0) == place
    assert points.first_between(values, 0.0, 1.0) == points_numpy.first_between(values, 0.0, 1.0) == place


def test_shapes_are_broadcast() -> None:
    reference = np.array([1.0, 2.0])
    np.testing.assert_array_equal(points.skills(np.ones((3, 2)), reference, 0.0), np.tile([0.0, 0.5], (3, 1)))
