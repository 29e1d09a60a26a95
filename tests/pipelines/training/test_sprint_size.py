"""The network of a sprint follows from the measured speed, the minutes and the size of its file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.errors import ConfigurationError
from pipelines.training.sprint_size import MOST_PASSES, SHARE_OF_TIME, Speed, choose_sprint_size

RECIPE = (800, 4000, 1500)
SMALL = Speed((96, 160), 3_300_000, (0.010, 0.015, 0.050))
MIDDLE = Speed((128, 216), 6_000_000, (0.015, 0.020, 0.080))
LARGE = Speed((160, 272), 9_400_000, (0.020, 0.030, 0.120))
HUGE = Speed((384, 640), 53_000_000, (0.030, 0.050, 0.150))
ALL = (SMALL, MIDDLE, LARGE, HUGE)


def _chosen(seconds: float, largest_bytes: float = 16e6) -> tuple[int, ...]:
    return choose_sprint_size(ALL, RECIPE, seconds, largest_bytes=largest_bytes).widths


def test_more_minutes_take_a_larger_network() -> None:
    assert _chosen(LARGE.seconds(RECIPE) / SHARE_OF_TIME + 1) == LARGE.widths
    assert _chosen(LARGE.seconds(RECIPE) / SHARE_OF_TIME - 1) == MIDDLE.widths
    assert _chosen(MIDDLE.seconds(RECIPE) / SHARE_OF_TIME - 1) == SMALL.widths


def test_a_faster_device_takes_a_larger_network() -> None:
    seconds = SMALL.seconds(RECIPE) / SHARE_OF_TIME + 1
    fast = [Speed(each.widths, each.parameters, tuple(s / 4 for s in each.stage_seconds)) for each in ALL]
    assert choose_sprint_size(ALL, RECIPE, seconds, largest_bytes=16e6).widths == SMALL.widths
    assert choose_sprint_size(fast, RECIPE, seconds, largest_bytes=16e6).widths == LARGE.widths


def test_the_file_of_weights_stays_small() -> None:
    assert _chosen(1e5) == LARGE.widths
    assert _chosen(1e5, largest_bytes=100e6) == HUGE.widths
    with pytest.raises(ConfigurationError, match=r"weights of at most 5 MB, found 7.51 MB for the smallest of 4"):
        _chosen(1e5, largest_bytes=5e6)


def test_time_that_is_left_lengthens_all_stages_alike() -> None:
    seconds = 3 * LARGE.seconds(RECIPE) / SHARE_OF_TIME
    found = choose_sprint_size(ALL, RECIPE, seconds, largest_bytes=16e6)
    assert found.iterations == pytest.approx((2400, 12000, 4500), abs=1)
    endless = choose_sprint_size(ALL, RECIPE, 1e7, largest_bytes=16e6)
    assert endless.iterations == tuple(int(MOST_PASSES * count) for count in RECIPE)


def test_too_little_time_shortens_all_stages_alike() -> None:
    found = choose_sprint_size(ALL, RECIPE, 0.5 * SMALL.seconds(RECIPE) / SHARE_OF_TIME, largest_bytes=16e6)
    assert found.widths == SMALL.widths
    assert found.iterations == pytest.approx((400, 2000, 750), abs=1)
    with pytest.raises(ConfigurationError, match="time for training: expected some, found -3 s"):
        choose_sprint_size(ALL, RECIPE, -3.0, largest_bytes=16e6)


@given(st.floats(1.0, 1e5))
def test_the_plan_ends_in_time(seconds: float) -> None:
    found = choose_sprint_size(ALL, RECIPE, seconds, largest_bytes=16e6)
    assert found.expected_seconds <= max(seconds, sum(SMALL.stage_seconds))
    assert min(found.iterations) >= 1
