"""Verdicts."""

import numpy as np

from data_catalog.quality.verdicts import Judgement


def test_a_check_that_measured_nothing_has_failed() -> None:
    found = Judgement(np.array([], "datetime64[ns]"), (), {"jumps in time": 0, "dates": 3}, {})
    assert found.failed_checks == ("jumps in time",)
