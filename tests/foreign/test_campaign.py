"""Random foreign layouts end in the right score or in one clear line; the campaign beside this file runs thousands."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast.verification import area_weights, crps
from tests.foreign import campaign, truth
from tests.foreign.cases import make_case
from tests.foreign.conftest import CheckSeeds
from tests.foreign.faults import FAULTS
from tests.foreign.layouts import draw

SEEDS_A_TEST = 6
FIRST_SEEDS = range(0, 60, SEEDS_A_TEST)


@pytest.mark.parametrize("first", FIRST_SEEDS)
def test_layouts_are_scored_rightly_or_refused_in_one_line(first: int, check_seeds: CheckSeeds) -> None:
    check_seeds(campaign.run_seed, range(first, first + SEEDS_A_TEST))


def test_a_seed_is_always_the_same_layout(tmp_path: Path) -> None:
    assert draw(11) == draw(11)
    assert draw(11) != draw(12)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, other = make_case(11, tmp_path / "a"), make_case(11, tmp_path / "b")
    assert [path.name for path in one.files] == [path.name for path in other.files]
    assert (one.right, one.expected) == (other.right, other.expected)


def test_every_fault_and_form_is_drawn() -> None:
    drawn = [draw(seed) for seed in range(4000)]
    assert {layout.fault for layout in drawn} == {None, *FAULTS}
    forms = {"start_form": 8, "lead_form": 8, "member_form": 4, "labels": 7, "format": 7, "split": 6}
    assert {form: len({getattr(layout, form) for layout in drawn}) for form in forms} == forms


def test_the_truth_knows_its_scores() -> None:
    found = truth.expected("globe", ["t2m"], [0, 1], [0], [0, 1, 2, 3]).scores["t2m"]
    forecast = truth.ensemble("globe")["t2m"].isel(lead_time=0, drop=True)
    valid = forecast["init_time"].values + truth.LEADS[0]
    analysis = truth.analysis("globe")["t2m"].sel(time=valid).rename(time="init_time")
    analysis = analysis.assign_coords(init_time=forecast["init_time"])
    right = crps(forecast, analysis, reduce=list(analysis.dims), weights=area_weights(forecast["latitude"]))
    assert found["crps"]["12"] == pytest.approx(float(right), rel=1e-12)


@pytest.fixture
def scored(tmp_path: Path) -> tuple[campaign.Case, dict]:
    """A sound case and the evaluation that is right for it."""
    case = make_case(next(seed for seed in range(99) if draw(seed).fault is None), tmp_path)
    assert case.expected is not None
    whole = {"initialisations": case.expected.starts, "members": case.expected.members}
    return replace(case, right="score"), {**whole, "scores": {"forecast": case.expected.scores}}


def test_judged_right(scored: tuple[campaign.Case, dict]) -> None:
    case, found = scored
    assert campaign.judge(case, 0, "12:00:00 Regions not scored\n", found)[0] == "right score"


def test_wrong_scores_are_silent(scored: tuple[campaign.Case, dict]) -> None:
    case, found = scored
    assert campaign.judge(case, 0, "", {**found, "initialisations": 7})[0] == "silent"
    channel = next(iter(found["scores"]["forecast"]))
    scores = found["scores"]["forecast"][channel]
    off = {lead: value * 1.001 for lead, value in scores["rmse"].items()}
    worse = {**found, "scores": {"forecast": {**found["scores"]["forecast"], channel: {**scores, "rmse": off}}}}
    kind, line = campaign.judge(case, 0, "", worse)
    assert (kind, "rmse" in line) == ("silent", True)
    assert campaign.judge(replace(case, expected=None), 0, "", found)[0] == "silent"


def test_refusals_are_one_clear_line(scored: tuple[campaign.Case, dict]) -> None:
    case = scored[0]
    line = "plumecast: forecast x.nc: expected a latitude, found none"
    assert campaign.judge(case, 2, f"{line}\n", None)[0] == "too narrow"
    assert campaign.judge(replace(case, right="refusal"), 2, f"{line}\n", None)[0] == "refused"
    assert campaign.judge(case, 2, f"{line}\n{line}\n", None)[0] == "unclear line"
    assert campaign.judge(case, 2, "plumecast: no good\n", None)[0] == "unclear line"
    assert campaign.judge(case, 2, f"{line} in <xarray.Dataset>\n", None)[0] == "unclear line"
    assert campaign.judge(case, 1, "plumecast: fault of ours: KeyError: 'x'\n", None)[0] == "fault of ours"
    assert campaign.judge(case, 1, "Traceback (most recent call last):\n", None)[0] == "traceback"


def test_a_tables_counts_add_up() -> None:
    outcomes = [campaign.Outcome(n, kind, 0, "", None) for n, kind in enumerate(campaign.OUTCOMES)]
    rows = campaign.table(outcomes).splitlines()
    assert rows[-1].split() == ["all", str(len(campaign.OUTCOMES)), "0"]
    assert np.array([row.split()[-2:] for row in rows[1:-1]], int).sum(0).tolist() == [len(campaign.OUTCOMES), 0]
