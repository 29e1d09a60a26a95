"""A candidate against the live model, by cycles that both were scored on."""

from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import MissingDataError
from pipelines.operations.model_comparison import compare_models
from pipelines.workspace.home import Home
from tests.pipelines.scoring.test_scorecard import START, fill

LIVE, NEW = "a" * 64, "b" * 64


def _scored(home: Home, model: str, factor: float, cycles: range, members: str = "20") -> None:
    fill(home.score_archive("tiny"), "plumecast", {"model": model, "members": members}, factor, cycles)


@pytest.fixture
def place(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    _scored(made, LIVE, 1.0, range(40))
    return made


def test_a_better_model_has_no_fault(place: Home) -> None:
    _scored(place, NEW, 0.9, range(5, 50))
    _scored(place, NEW, 2.0, range(40), members="3")  # an ensemble of another size is no evidence
    found = compare_models(place, "tiny", NEW, LIVE)
    assert (found.cycles, found.faults, found.worse) == (35, (), 0)
    assert found.change_percent == pytest.approx(-10, abs=1)
    assert found.better == found.cells == 12
    assert found.first == str((START + np.timedelta64(5, "D")).astype("datetime64[m]"))
    assert found.as_evidence()["crps_change_percent"] == round(found.change_percent, 2)


def test_a_worse_model_is_refused_for_each_of_its_faults(place: Home) -> None:
    _scored(place, NEW, 1.1, range(40))
    found = compare_models(place, "tiny", NEW, LIVE)
    assert found.worse == 12
    assert "z500 at 24 h (global): CRPS +10" in found.faults[0]
    assert any("on average, expected at most +1 %" in fault for fault in found.faults)


def test_too_little_is_no_evidence(place: Home) -> None:
    with pytest.raises(MissingDataError, match="model bbbbbbbbbbbb: expected scores of some cycles, found none"):
        compare_models(place, "tiny", NEW, LIVE)
    _scored(place, NEW, 0.9, range(21, 60))
    with pytest.raises(MissingDataError, match="expected at least 20 cycles that both were scored on, found 19"):
        compare_models(place, "tiny", NEW, LIVE)
    with pytest.raises(MissingDataError, match="expected scores of some cycles"):
        compare_models(place, "other", NEW, LIVE)


def test_ensembles_of_different_size_are_not_compared(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _scored(home, LIVE, 1.0, range(30))
    _scored(home, NEW, 1.0, range(30), members="3")
    with pytest.raises(MissingDataError, match="expected scores of ensembles of one size"):
        compare_models(home, "tiny", NEW, LIVE)
