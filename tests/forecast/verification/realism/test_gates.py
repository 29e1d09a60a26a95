"""What passes, what fails, and what was not measured."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification.realism.gates import Figure, Gate, figures_of


def figure(value: float) -> Figure:
    return Figure({"channel": "v250", "lead_time": "240 h"}, value, 1 / 1.1, 1.1)


def test_a_gate_fails_by_one_figure() -> None:
    gate = Gate("spectrum", "power", [figure(1.0), figure(1.2), figure(0.95), figure(0.5)])
    assert gate.status == "failed"
    assert [each.value for each in gate.failures] == [0.5, 1.2]
    assert gate.worst == figure(0.5)
    assert gate.failures[1].words == "v250, 240 h: 1.2, expected 0.909 to 1.1"
    assert Gate("spectrum", "power", [figure(1.0)]).status == "passed"


def test_what_measured_nothing_has_failed_unless_it_says_why() -> None:
    assert Gate("spectrum", "power").status == "failed"
    assert Gate("spectrum", "power", (), "no such channels").status == "not measured"
    assert Gate("spectrum", "power").worst is None
    assert Gate("spectrum", "power", [figure(np.nan)]).status == "failed"


def test_how_far_off() -> None:
    assert figure(1.1).off == pytest.approx(1.0)
    assert figure(1 / 1.1).off == pytest.approx(-1.0)
    assert figure(np.nan).off == np.inf
    assert Figure({}, 0.5, 0.4, 0.6).off == pytest.approx(0.0)
    assert Figure({}, 0.65, 0.4, 0.6).off == pytest.approx(1.5)
    assert Figure({}, 0.895, 0.89, 1.11).off == pytest.approx(-0.105 / 0.11)
    assert abs(Figure({}, 0.8701, 0.8701, 1.149).off) <= 1.0


def test_figures_of_an_array_leave_out_what_has_no_limit() -> None:
    lead = np.array([24, 48]) * np.timedelta64(1, "h")
    values = xr.DataArray(
        [[1.0, np.nan]], dims=("channel", "lead_time"), coords={"channel": ["z500"], "lead_time": lead}
    )
    found = figures_of(values, xr.DataArray(0.9), xr.DataArray(1.1))
    assert [dict(each.of) for each in found] == [
        {"channel": "z500", "lead_time": "24 h"},
        {"channel": "z500", "lead_time": "48 h"},
    ]
    assert [each.passed for each in found] == [True, False]
    assert len(figures_of(values, xr.DataArray([0.9, np.nan], dims="lead_time"), xr.DataArray(1.1))) == 1
