"""The demonstration never verifies on training days, and prints its summary."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines.cli.demo_summary import print_summary
from pipelines.flows.demo_system import STARTS, STARTS_WITHOUT_TRAINING, DemoResult, shipped_system, small_system
from pipelines.terminal.times import parse_time
from pipelines.workspace.systems import system_names


def test_small_system_keeps_its_test_apart() -> None:
    system = small_system()
    assert system.name not in system_names()
    assert system.state == shipped_system().state
    first, last = system.periods.test.start, system.periods.test.end
    past = np.timedelta64((system.state.past_states - 1) * system.state.step_hours, "h")
    for start in map(parse_time, STARTS_WITHOUT_TRAINING):
        assert start - past >= np.datetime64(first)
        assert start + np.timedelta64(system.forecast.lead_days, "D") <= np.datetime64(last)
    assert system.periods.training.start > last


def test_shipped_starts_lie_in_two_seasons_of_the_test_period() -> None:
    test = shipped_system().periods.test
    assert {int(start[5:7]) for start in STARTS} == {1, 7}
    for start in map(parse_time, STARTS):
        assert np.datetime64(test.start) < start < np.datetime64(test.end) - np.timedelta64(10, "D")


@pytest.mark.parametrize("trained", [False, True])
def test_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str], trained: bool) -> None:
    channels = {"crps": {"24": 1.0, "240": 2.0}, "rmse": {"24": 1.0, "240": 2.0}, "spread_skill": {"24": 1.0}}
    model = dict.fromkeys(shipped_system().state.predictands, channels)
    scores = {"plumecast": model, "climatology": model}
    content = {
        "system": "s",
        "model_id": "m",
        "period": ["a", "b"],
        "initialisations": 3,
        "members": 20,
        "scores": scores,
    }
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(content))
    run = tmp_path / "runs" / "s" / "20080112T0000Z"
    print_summary(DemoResult((run,), path, trained))
    said = capsys.readouterr().out
    assert str(run / "report.html") in said
    assert str(run / "s_20080112T0000Z.nc") in said
    assert "not skill on the real atmosphere" in said
    assert "z500" in said
    assert "tp24" not in said
    assert ("three hours on seven years" in said) is trained
