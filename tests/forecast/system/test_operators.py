"""Operators compare as they are spelt."""

from typing import get_args

from forecast.system.operators import OPERATORS, Operator


def test_operators_compare_as_they_are_spelt() -> None:
    found = {name: [compare(value, 1) for value in (0, 1, 2)] for name, compare in OPERATORS.items()}
    assert found == {
        ">": [False, False, True],
        ">=": [False, True, True],
        "<": [True, False, False],
        "<=": [True, True, False],
    }
    assert set(get_args(Operator)) == set(OPERATORS)
