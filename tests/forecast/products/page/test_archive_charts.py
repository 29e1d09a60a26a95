import numpy as np
import pytest

from forecast.products.page.archive_charts import (
    GOOD,
    MISSING,
    NOT_JUDGED,
    ROW,
    SUSPECT,
    Ranges,
    calendar,
    range_chart,
)

TIMES = np.arange("2001-12-30", "2002-01-04", dtype="datetime64[D]").astype("datetime64[ns]")


def test_a_row_for_each_year_and_the_gravest_last():
    found = calendar(TIMES, np.array([GOOD, SUSPECT, GOOD, MISSING, NOT_JUDGED]))
    assert found.years == ("2001", "2002")
    assert [run.state for run in found.runs] == ["good", "good", "unjudged", "missing", "suspect"]
    assert {(run.x, run.y) for run in found.runs if run.state == "good"} == {(363, 0), (0, ROW)}
    assert found.words == "2 times good, 1 times not judged, 1 times missing, 1 times suspect"


def test_a_bad_day_is_wide_enough_to_be_seen_and_stays_inside():
    (run,) = calendar(TIMES[1:2], np.array([SUSPECT])).runs
    assert run.width > 1
    assert run.x + run.width <= 366


def test_the_gravest_state_of_a_day_counts():
    times = np.datetime64("2001-01-01", "ns") + np.arange(4) * np.timedelta64(6, "h")
    (run,) = calendar(times, np.array([GOOD, GOOD, SUSPECT, GOOD])).runs
    assert run.state == "suspect"


def ranges(bounds: tuple[float, float]) -> Ranges:
    mean = np.linspace(270, 290, 5)
    return Ranges(TIMES, mean - 5, mean, mean + 5, bounds)


def test_a_chart_reaches_to_a_bound_that_is_near_only():
    near = range_chart(ranges((100, 300)), [TIMES[2]])
    assert near.marks == (50.0,)
    assert len(near.bounds) == 1
    assert 0 < near.bounds[0] < 10
    assert range_chart(ranges((100, 400)), []).bounds == ()
    assert near.ends == ("2001-12-30", "2002-01-03")


def test_values_lie_inside_the_box_in_order():
    found = range_chart(ranges((0, 1000)), [])
    heights = [float(point.split(",")[1]) for point in found.mean.split()]
    assert heights == sorted(heights, reverse=True)
    assert all(0 < height < 100 for height in heights)
    assert float(found.labels[0]) < 265 < 295 < float(found.labels[2])


@pytest.mark.parametrize("count", [1, 500])
def test_few_and_many_times_are_drawn(count):
    times = TIMES[0] + np.arange(count) * np.timedelta64(1, "D")
    flat = np.full(count, 5.0)
    assert 1 <= len(range_chart(Ranges(times, flat, flat, flat, (0, 10)), []).mean.split()) <= 120
