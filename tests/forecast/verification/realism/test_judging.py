"""Gates over planted ensembles: a perfect one passes, and each planted fault fails its own."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification.realism.judging import (
    TITLES,
    device_gate,
    not_measured,
    rank_gate,
    ratio_gate,
    scatter_of_ranks,
)
from forecast.verification.realism.measures import Pair, differences, rank_moments, spectra
from forecast.verification.realism.noise import relative_scatter

COORDS = {"latitude": np.linspace(-82.5, 82.5, 12), "longitude": np.arange(24) * 15.0}
STARTS, MEMBERS = 40, 8
WEIGHTS = xr.DataArray(np.ones((2, 12, 24)), dims=("region", *COORDS), coords={"region": ["global", "north"], **COORDS})


def fields(seed: int, **more: int) -> xr.DataArray:
    values = np.random.default_rng(seed).normal(size=(*more.values(), 12, 24))
    return xr.DataArray(values, dims=(*more, *COORDS), coords=COORDS)


def damped(members: xr.DataArray) -> xr.DataArray:
    """Members that have lost some of their small scales."""
    return 0.6 * members + 0.2 * (members.roll(longitude=1) + members.roll(longitude=-1))


MEMBER_FIELDS, ANALYSES, WEATHER = (
    fields(1, start=STARTS, member=MEMBERS), fields(2, start=STARTS), fields(3, time=60)
)  # fmt: skip


def pairs(members: xr.DataArray, measure: object) -> list[Pair]:
    whole = measure(members, ANALYSES)
    return [Pair(*(each.isel(start=index) for each in whole)) for index in range(STARTS)]


def judged(members: xr.DataArray, name: str = "spectrum", measure: object = spectra) -> str:
    scatter = relative_scatter(spectra(fields(4, member=2), WEATHER).analysis)
    return ratio_gate(name, pairs(members, measure), scatter, MEMBERS).status


def test_a_perfect_ensemble_passes_and_damped_small_scales_fail() -> None:
    assert judged(MEMBER_FIELDS) == "passed"
    assert judged(damped(MEMBER_FIELDS)) == "failed"


def test_too_little_spread_fails() -> None:
    assert judged(MEMBER_FIELDS, "spread-by-scale", differences) == "passed"
    assert judged(0.7 * MEMBER_FIELDS, "spread-by-scale", differences) == "failed"


def ranks(members: xr.DataArray) -> object:
    whole = rank_moments(members.transpose("member", "start", ...), ANALYSES, WEIGHTS)
    moments = [whole.isel(start=index) for index in range(STARTS)]
    regimes = ["low"] * 20 + ["middle"] * 18 + ["high"] * 2
    return rank_gate(moments, regimes, scatter_of_ranks(WEATHER, WEIGHTS))


def test_ranks_by_region_and_regime() -> None:
    gate = ranks(MEMBER_FIELDS)
    assert gate.status == "passed"
    groups = {(each.of["region"], each.of["regime"]) for each in gate.figures}
    assert groups == {("global", "any"), ("north", "any"), ("global", "low"), ("global", "middle")}
    assert len(gate.figures) == 8


@pytest.mark.parametrize(("members", "moment"), [(0.6 * MEMBER_FIELDS, "dispersion"), (MEMBER_FIELDS + 0.4, "rank")])
def test_faulty_ranks_fail(members: xr.DataArray, moment: str) -> None:
    assert {each.of["moment"] for each in ranks(members).failures} >= {moment}


def test_a_bias_in_one_regime_alone_fails_there() -> None:
    biased = MEMBER_FIELDS + xr.DataArray(np.where(np.arange(STARTS) < 20, 0.25, -0.25), dims="start")
    failed = {(each.of["moment"], each.of["regime"]) for each in ranks(biased).failures}
    assert ("rank", "low") in failed
    assert ("rank", "middle") in failed
    assert ("rank", "any") not in failed


def test_no_start_is_a_failure_and_no_channel_is_not() -> None:
    scatter = xr.DataArray(np.ones(1), dims="band")
    assert ratio_gate("spectrum", [], scatter, MEMBERS).status == "failed"
    assert rank_gate([], [], xr.Dataset()).status == "failed"
    assert all(not_measured(name, "no channels").status == "not measured" for name in TITLES)


def test_devices() -> None:
    apart = xr.DataArray([2e-5, 3e-4], dims="channel", coords={"channel": ["z500", "msl"]})
    gate = device_gate(apart)
    assert [each.of["channel"] for each in gate.failures] == ["msl"]
    assert device_gate(apart / 10).status == "passed"
