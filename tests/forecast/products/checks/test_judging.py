"""Each check before publication finds what it is for, counts what it measured, and fails if that is nothing."""

from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from forecast.products.checks.judging import faults_of, judge
from forecast.products.checks.limits import FEWEST_RUNS
from forecast.products.checks.measuring import Measured, measure_forecast
from forecast.products.files.manifest import Contents
from tests.forecast.products.checks.conftest import CHANNELS, EXPECTED, altered


def outcomes(measured: Measured, expected: Contents = EXPECTED, history: int = 0) -> dict[str, str]:
    spread = {name: tuple(values) for name, values in measured.spread.items()}
    return {name: check.outcome for name, check in judge(measured, expected, CHANNELS, [spread] * history).items()}


def test_a_sound_forecast_passes(forecast: Path) -> None:
    measured = measure_forecast(forecast, CHANNELS)
    checks = judge(measured, EXPECTED, CHANNELS, [])
    assert {name: (check.outcome, check.measured, check.unit) for name, check in checks.items()} == {
        "complete": ("passed", 16, "fields"),
        "as written": ("passed", 16, "fields"),
        "finite": ("passed", 512, "values"),
        "plausible": ("passed", 512, "values"),
        "members distinct": ("passed", 12, "pairs"),
        "spread": ("not judged", 0, "spreads"),
    }
    assert checks["spread"].reason == "there are 0 earlier runs of this model, expected 10"
    assert not faults_of(checks)
    assert outcomes(measured, history=FEWEST_RUNS)["spread"] == "passed"


def test_a_changed_value_is_not_what_was_written(forecast: Path) -> None:
    found = outcomes(altered(forecast, "t2m", 1, 0, 281.0))
    assert [name for name, outcome in found.items() if outcome == "failed"] == ["as written"]


@pytest.mark.parametrize(
    ("value", "name", "words"),
    [
        (np.nan, "finite", "t2m at 48 h, member 2"),
        (900.0, "plausible", "t2m at 48 h, member 2: 900, expected "),
        (-5.0, "plausible", "t2m at 48 h, member 2: -5, expected "),
    ],
)
def test_values_that_cannot_be(forecast: Path, value: float, name: str, words: str) -> None:
    check = judge(altered(forecast, "t2m", 2, 1, value), EXPECTED, CHANNELS, [])[name]
    assert check.outcome == "failed"
    assert check.reason.startswith(words)


def test_members_that_are_the_same(forecast: Path) -> None:
    with netCDF4.Dataset(forecast, "r+") as stored:
        for name in CHANNELS:
            stored.variables[name][3, 1] = stored.variables[name][0, 1]
    check = judge(measure_forecast(forecast, CHANNELS), EXPECTED, CHANNELS, [])["members distinct"]
    assert (check.outcome, check.reason) == ("failed", "members 0, 3 are the same at 48 h")


@pytest.mark.parametrize(
    ("expected", "channels", "words"),
    [
        (Contents(members=(0, 1, 2, 3, 4), lead_hours=(24, 48)), CHANNELS, "lacks msl of member 4 at 24 h"),
        (Contents(members=(0, 1, 2, 3), lead_hours=(24, 48, 72)), CHANNELS, "lacks msl of member 0 at 72 h"),
        (EXPECTED, (*CHANNELS, "z500"), "lacks z500 of member 0 at 24 h"),
    ],
)
def test_what_is_lacking_is_named(forecast: Path, expected: Contents, channels: tuple[str, ...], words: str) -> None:
    check = judge(measure_forecast(forecast, channels), expected, channels, [])["complete"]
    assert check.outcome == "failed"
    assert check.reason.startswith(words)


def test_a_check_that_measured_nothing_has_failed() -> None:
    nothing = Measured(members=EXPECTED.members, lead_hours=EXPECTED.lead_hours, channels=())
    assert set(outcomes(nothing).values()) == {"failed"}
    unsaid = replace(nothing, checksums={("msl", 0, 0): 1}, fields=1)
    assert outcomes(unsaid)["as written"] == "failed"


def test_one_member_has_no_spread_and_no_twin(forecast: Path) -> None:
    every = measure_forecast(forecast, CHANNELS)
    first = {place: crc for place, crc in every.checksums.items() if place[1] == 0}
    alone = replace(every, members=(0,), spread={}, checksums=first)
    found = outcomes(alone, Contents(members=(0,), lead_hours=(24, 48)))
    assert (found["members distinct"], found["spread"]) == ("not judged", "not judged")


@pytest.mark.parametrize(("factor", "outcome"), [(0.5, "failed"), (0.8, "passed"), (1.3, "passed"), (2.0, "failed")])
def test_spread_is_compared_with_earlier_runs(forecast: Path, factor: float, outcome: str) -> None:
    measured = measure_forecast(forecast, CHANNELS)
    history = [{name: tuple(values) for name, values in measured.spread.items()}] * FEWEST_RUNS
    collapsed = replace(measured, spread={**measured.spread, "msl": [factor * each for each in measured.spread["msl"]]})
    check = judge(collapsed, EXPECTED, CHANNELS, history)["spread"]
    assert (check.outcome, check.measured) == (outcome, 4)
    assert ("msl at 24 h" in check.reason) is (outcome == "failed")
