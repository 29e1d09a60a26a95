"""Limits drawn from what is usual."""

import numpy as np
import pytest

from data_catalog.quality.measure import Measure, usual_limit


def test_a_few_bad_times_hardly_raise_the_limit() -> None:
    usual = np.exp(np.random.default_rng(0).standard_normal(400) / 10)
    clean = usual_limit(Measure("check", usual, "words"))
    usual[:10] = 1000
    assert clean < usual_limit(Measure("check", usual, "words")) < 1.3 * clean
    assert clean > usual[10:].max()


def test_a_limit_by_physics_stays() -> None:
    assert usual_limit(Measure("check", np.full(100, 9.0), "words", limit=1.0)) == 1.0


def test_too_little_gives_no_limit() -> None:
    measure = Measure("check", np.array([1.0, np.nan, 2.0]), "words")
    assert measure.count == 2
    assert usual_limit(measure) == float("inf")


def test_a_limit_is_not_smaller_than_its_least() -> None:
    assert usual_limit(Measure("check", np.full(100, 1e-3), "words", least=0.5)) == pytest.approx(0.5)
