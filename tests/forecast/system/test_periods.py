"""Periods are whole days with both ends, and test days are apart from all others."""

from datetime import date

import pytest
from pydantic import ValidationError

from data_catalog.errors import ConfigurationError
from forecast.system.periods import Period
from forecast.system.reading import parse_system


def content(system, **changes):
    return system.model_dump(mode="json") | changes


def test_test_period_is_never_trained_on(system):
    periods = system.model_dump(mode="json")["periods"]
    periods["training"]["end"] = periods["test"]["start"]
    with pytest.raises(ConfigurationError, match="expected a test period apart from training"):
        parse_system(content(system, periods=periods), origin="x")


def days(first, last):
    return Period(start=date(2001, 1, first), end=date(2001, 1, last))


@pytest.mark.parametrize(
    ("other", "overlaps"), [((1, 9), False), ((1, 10), True), ((12, 13), True), ((20, 25), True), ((21, 25), False)]
)
def test_both_ends_belong_to_a_period(other, overlaps):
    assert days(10, 20).overlaps(days(*other)) is overlaps
    assert days(*other).overlaps(days(10, 20)) is overlaps


def test_a_period_may_be_one_day_but_not_end_before_it_starts():
    assert days(3, 3).overlaps(days(1, 5))
    with pytest.raises(ValidationError, match="expected end not before start 2001-01-04, found 2001-01-03"):
        days(4, 3)


@pytest.mark.parametrize(("start", "end"), [(1600, 2001), (2001, 9999)])
def test_days_that_nanoseconds_cannot_count_are_refused(start, end):
    with pytest.raises(ValidationError, match="expected days in 1678 to 2261"):
        Period(start=date(start, 1, 1), end=date(end, 1, 1))
