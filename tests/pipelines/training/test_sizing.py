"""Periods follow each other, and sizes follow grid and machine."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from pipelines.training.sizing import LEAST_TRAINING_DAYS, choose_sizes, split_in_time, training_flops


def test_whole_years_are_kept_together() -> None:
    found = split_in_time(date(2000, 1, 1), date(2008, 12, 31), where="mine")
    assert (found.training.start, found.training.end) == (date(2000, 1, 1), date(2006, 12, 31))
    assert (found.validation.start, found.validation.end) == (date(2007, 1, 1), date(2007, 12, 31))
    assert (found.test.start, found.test.end) == (date(2008, 1, 1), date(2008, 12, 31))
    long = split_in_time(date(1979, 1, 1), date(2021, 3, 31), where="mine")
    assert (long.validation.start, long.test.start, long.test.end) == (
        date(2013, 1, 1),
        date(2017, 1, 1),
        date(2021, 3, 31),
    )


@given(st.dates(date(1900, 1, 1), date(2050, 1, 1)), st.integers(LEAST_TRAINING_DAYS + 200, 30_000))
def test_all_days_are_used_once_in_the_order_of_time(first: date, days: int) -> None:
    last = first + timedelta(days=days - 1)
    found = split_in_time(first, last, where="mine")
    assert (found.training.start, found.test.end) == (first, last)
    assert found.validation.start == found.training.end + timedelta(days=1)
    assert found.test.start == found.validation.end + timedelta(days=1)
    assert (found.training.end - first).days + 1 >= max(LEAST_TRAINING_DAYS, 0.4 * days)


def test_too_few_days_are_refused() -> None:
    with pytest.raises(InvalidDataError, match=r"mine: expected 412 days, .* found 300 from 2001-01-01 to 2001-10-27"):
        split_in_time(date(2001, 1, 1), date(2001, 10, 27), where="mine")


def test_sizes_grow_with_the_grid_and_shrink_with_the_machine() -> None:
    region = choose_sizes((11, 13), 3, 2500, cores=2)
    assert (region.patch, region.eofs, region.from_archive) == (1, 52, False)
    globe = choose_sizes((721, 1440), 11, 14_000, cores=2)
    assert (globe.patch, globe.eofs, globe.from_archive) == (4, 0, True)
    assert globe.iterations < region.iterations
    assert globe.widths < choose_sizes((721, 1440), 11, 14_000, cores=5000).widths
    assert choose_sizes((4, 4), 1, 330, cores=1).eofs == 4


@given(
    st.tuples(st.integers(4, 800), st.integers(4, 1600)),
    st.integers(1, 100),
    st.integers(330, 50_000),
    st.integers(1, 256),
)
def test_sizes_are_always_sane(shape: tuple[int, int], channels: int, states: int, cores: int) -> None:
    found = choose_sizes(shape, channels, states, cores=cores)
    assert 16 <= found.widths[0] <= 96
    assert 300 <= found.iterations <= 3000
    assert found.finetuning_iterations <= found.iterations
    assert found.eofs <= min(states, shape[0] * shape[1] * channels)
    assert found.minutes > 0


def test_operations_are_those_that_a_network_takes() -> None:
    """Measured with `forecast.model.costs` for three channels on 11 x 13 and, in patches of 2, on 32 x 64 points."""
    assert training_flops(143, (64, 96)) == pytest.approx(0.49e9, rel=0.2)
    assert training_flops(512, (96, 144)) == pytest.approx(3.47e9, rel=0.2)
