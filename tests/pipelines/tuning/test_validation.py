"""Validation forecasts keep to their days, and scores of the same starts are compared start by start."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.system.periods import Period
from forecast.system.system import System
from pipelines.tuning.validation import ValidationScores, refuse_test_days, spaced_starts
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


def scored(crps: list[float], inflated_variance: float = 1.0) -> ValidationScores:
    """Scores of one channel and lead time over several starts, each of weight 2 and squared error 1."""
    means = {"crps": crps, "squares": 1, "absolute": 1, "bias": 0, "variance": 1, "inflated": inflated_variance}
    sums = {"weight": 2.0, **{name: 2 * np.asarray(mean) for name, mean in means.items()}}
    values = np.stack([np.broadcast_to(value, len(crps)) for value in sums.values()], axis=-1)
    dims = ("start", "channel", "lead_time", "statistic")
    return ValidationScores(
        xr.DataArray(
            values[:, None, None],
            dims=dims,
            coords={"channel": ["msl"], "lead_time": [np.timedelta64(24, "h")], "statistic": list(sums)},
        )
    )


def test_the_relative_crps_pools_the_starts() -> None:
    assert scored([1.0, 2.0]).relative_crps(scored([2.0, 4.0])) == 0.5


def test_a_gain_has_the_error_of_paired_starts() -> None:
    gain, error = scored([1.0, 2.0, 3.0]).gain(scored([2.0, 3.0, 4.0]), reference=scored([2.0, 2.0, 2.0]))
    assert (gain, error) == (0.5, 0.0)
    gain, error = scored([1.0, 1.0]).gain(scored([1.0, 3.0]), reference=scored([2.0, 2.0]))
    assert gain == pytest.approx(0.5)
    assert error == pytest.approx(np.std([0.0, 1.0], ddof=1) / np.sqrt(2))
    assert scored([1.0]).gain(scored([2.0]), reference=scored([1.0])) == (1.0, np.inf)


def test_the_log_of_spread_over_skill() -> None:
    value, error = scored([1.0, 1.0], inflated_variance=4.0).log_spread_skill()
    assert value == pytest.approx(np.log([[2.0]]))
    assert error == pytest.approx(0.0, abs=1e-12)
    value, error = scored([1.0], inflated_variance=0.25).log_spread_skill()
    assert value == pytest.approx(np.log([[0.5]]))
    assert error == 1.0
