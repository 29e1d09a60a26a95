"""Validation forecasts stay within their days."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.system.periods import Period
from forecast.system.system import System
from pipelines.tuning.validation import refuse_test_days
from pipelines.workspace.starts import spaced_starts
from pipelines.workspace.systems import find_system

TIMES = (np.datetime64("2007-01-01") + np.arange(400)).astype("datetime64[ns]")


@pytest.fixture
def system(tiny: Path) -> System:
    return find_system(str(tiny))


def test_no_forecast_leaves_the_period(system: System) -> None:
    period = Period(start=date(2007, 12, 20), end=date(2007, 12, 31))
    starts = spaced_starts(system, TIMES, period, count=100, lead_steps=3)
    assert (str(starts[0])[:10], str(starts[-1])[:10]) == ("2007-12-21", "2007-12-28")
    short = Period(start=date(2007, 12, 20), end=date(2007, 12, 23))
    with pytest.raises(MissingDataError, match="found none among 4 analyses"):
        spaced_starts(system, TIMES, short, count=9, lead_steps=3)


def test_starts_are_spread_evenly(system: System) -> None:
    period = Period(start=date(2007, 2, 1), end=date(2007, 3, 31))
    starts = spaced_starts(system, TIMES, period, count=3, lead_steps=1)
    assert [str(start)[:10] for start in starts] == ["2007-02-02", "2007-03-02", "2007-03-30"]


def test_test_days_of_any_system_are_refused(system: System) -> None:
    refuse_test_days(system.periods.validation, system)
    later = Period(start=date(2007, 12, 31), end=date(2008, 1, 31))
    other = system.changed(periods=system.periods.changed(validation=system.periods.training, test=later))
    with pytest.raises(ConfigurationError, match="expected days apart from its test period 2007-12-31"):
        refuse_test_days(system.periods.validation, system, other)
