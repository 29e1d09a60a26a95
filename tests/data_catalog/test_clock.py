"""The time of day comes from the machine, or from another clock within a block."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from data_catalog.clock import other_clock, utc_now, utc_today
from pipelines.terminal.times import now

THEN = datetime(2008, 2, 29, 23, 30, tzinfo=UTC)


def test_the_machine_tells_the_time() -> None:
    assert abs(datetime.now(UTC) - utc_now()) < timedelta(seconds=10)


def test_another_clock_answers_within_its_block_only() -> None:
    with other_clock(lambda: THEN), other_clock(lambda: THEN + timedelta(hours=1)):
        assert utc_now() == THEN + timedelta(hours=1)
        assert utc_today().isoformat() == "2008-03-01"
        assert now() == np.datetime64("2008-03-01T00:30", "ns")
    assert utc_now() > THEN + timedelta(days=365)


def test_an_error_ends_the_block_too() -> None:
    with pytest.raises(RuntimeError), other_clock(lambda: THEN):
        raise RuntimeError
    assert utc_now() != THEN
