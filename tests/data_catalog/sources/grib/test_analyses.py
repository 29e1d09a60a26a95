"""Times that are wanted, and where the analysis of each may lie."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from data_catalog.sources.grib.analyses import Layout, likely_layouts, wanted_times

OLD = Layout(np.datetime64("2018-01-01T00", "h"), "old/{day}/{hour}")
NEW = Layout(np.datetime64("2020-03-01T12", "h"), "new/{day}{hour}")


def test_times_wanted() -> None:
    times = wanted_times(date(2026, 5, 11), date(2026, 5, 12), 12, where="x")
    assert [str(time) for time in times] == ["2026-05-11T00", "2026-05-11T12", "2026-05-12T00", "2026-05-12T12"]
    assert len(wanted_times(datetime(2026, 5, 11, 6), datetime(2026, 5, 11, 18), 6, where="x")) == 3
    assert len(wanted_times(datetime.now(UTC).date(), None, 24, where="x")) == 1
    assert len(wanted_times(date(2026, 5, 11), date(2026, 5, 11), 3, where="x", hours_between=3)) == 8
    with pytest.raises(ConfigurationError, match="x: expected a step that is a multiple of 6 h, found 3 h"):
        wanted_times(date(2026, 5, 11), None, 3, where="x")


@pytest.mark.parametrize(
    ("start", "paths"),
    [
        ("2019-01-01T06", ["old/20190101/06", "new/2019010106"]),
        ("2020-03-01T06", ["old/20200301/06", "new/2020030106"]),
        ("2020-03-01T12", ["new/2020030112", "old/20200301/12"]),
        ("2020-05-01T00", ["new/2020050100"]),
    ],
)
def test_the_layout_of_its_time_is_tried_first(start: str, paths: list[str]) -> None:
    time = np.datetime64(start, "h")
    assert [layout.path(time) for layout in likely_layouts((OLD, NEW), time)] == paths
