"""A scorecard finds what is better, cell by cell over the cycles that both have."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError
from forecast.verification.comparison.scorecard import card_table, scorecard
from forecast.verification.evaluation import AXES

STATISTICS = ("weight", "crps", "squares", "absolute", "bias", "variance", "inflated", "rank_000", "rank_001")


def made_up_sums() -> xr.DataArray:
    rng = np.random.default_rng(0)
    names = {
        "forecaster": ["better", "reference"],
        "channel": ["z500", "msl"],
        "lead_time": (np.array([24, 72, 120]) * np.timedelta64(1, "h")).astype("timedelta64[ns]"),
        "region": ["global", "tropics"],
        "statistic": list(STATISTICS),
    }
    times = np.datetime64("2008-01-01", "ns") + np.arange(60) * np.timedelta64(1, "D")
    values = 100 + 5 * rng.normal(size=(60, 1, 2, 3, 2, 1)) + rng.normal(size=(60, 2, 2, 3, 2, 9))
    sums = xr.DataArray(values, dims=("init_time", "forecaster", *AXES), coords={"init_time": times, **names})
    sums.loc[{"forecaster": "better", "channel": "z500", "statistic": "crps"}] *= 0.95
    sums.loc[{"statistic": "weight"}] = 2.0
    return sums


def test_scorecard_finds_what_is_better_and_only_that() -> None:
    sums = made_up_sums()
    sums[3, 1] = np.nan
    card = scorecard(sums, "better", "reference")
    assert card.attrs["cycles"] == 59
    assert card.attrs["tests"] == 12
    assert (card["p_adjusted"].sel(channel="z500") < 0.01).all()
    assert (card["p_bootstrap"].sel(channel="z500") < 0.01).all()
    assert (card["p_adjusted"].sel(channel="msl") > 0.05).sum() >= 5
    np.testing.assert_allclose(card["change"].sel(channel="z500"), -5, atol=0.6)
    pooled = sums.isel(init_time=[i for i in range(60) if i != 3]).sel(statistic="crps").sum("init_time") / (59 * 2)
    np.testing.assert_allclose(card["score"], pooled.sel(forecaster="better"))
    rmse = scorecard(sums, "better", "reference", score="rmse")
    assert rmse.attrs["score_name"] == "rmse"
    with pytest.raises(UnscorableError, match=r"expected one of \['better', 'reference'\], found 'worse'"):
        scorecard(sums, "worse", "reference")
    with pytest.raises(UnscorableError, match="score: expected one of"):
        scorecard(sums, "better", "reference", score="spread")
    with pytest.raises(UnscorableError, match="expected two forecasters, found 'better' twice"):
        scorecard(sums, "better", "better")


def test_each_cell_is_compared_over_the_cycles_that_both_have() -> None:
    sums = made_up_sums()
    whole = scorecard(sums, "better", "reference")
    holed = sums.copy()
    holed[40:, 0, :, 2] = np.nan
    holed[5:, 1, 0, 0, 1] = np.nan
    holed.loc[{"forecaster": "reference", "channel": "msl", "region": "tropics"}] = np.nan
    card = scorecard(holed, "better", "reference")
    assert card.attrs["cycles"] == 60
    assert card["cycles"].sel(channel="z500", region="global").values.tolist() == [60, 60, 40]
    assert card["cycles"].sel(channel="z500", region="tropics").values.tolist() == [5, 60, 40]
    assert card["cycles"].sel(channel="msl", region="tropics").values.tolist() == [0, 0, 0]
    assert card["change"].isnull().sum() == 3
    assert card.attrs["tests"] == int(card["p_value"].notnull().sum()) == 12 - 3 - 1
    xr.testing.assert_equal(card["p_value"].isel(lead_time=1, region=0), whole["p_value"].isel(lead_time=1, region=0))
    first = scorecard(sums.isel(init_time=slice(40)), "better", "reference")
    for name in ("change", "p_value", "p_bootstrap"):
        xr.testing.assert_allclose(card[name].isel(lead_time=2, region=0), first[name].isel(lead_time=2, region=0))
    table = card_table(card)
    assert len(table) == 12 - 3
    row = table.set_index(["region", "channel", "lead_hours"]).loc[("global", "z500", 120)]
    assert row["cycles"] == 40
    assert row["change_percent"] == float(card["change"].sel(channel="z500", region="global").isel(lead_time=2))


def test_what_only_one_has_is_left_out_and_too_little_is_an_error() -> None:
    sums = made_up_sums()
    sums.loc[{"forecaster": "reference", "channel": "msl"}] = np.nan
    assert scorecard(sums, "better", "reference")["channel"].values.tolist() == ["z500"]
    with pytest.raises(UnscorableError, match="expected at least 10 cycles that both have, found 9"):
        scorecard(sums.isel(init_time=slice(9)), "better", "reference")
    sums.loc[{"forecaster": "reference", "statistic": "crps"}] = np.nan
    with pytest.raises(UnscorableError, match=r"expected crps of both .* \(an ensemble of one member has no fair CRPS"):
        scorecard(sums, "better", "reference")
    assert scorecard(sums, "better", "reference", score="mae").attrs["evenly_spaced"] == 1
    assert scorecard(sums[[*range(20), *range(30, 60)]], "better", "reference", score="mae").attrs["evenly_spaced"] == 0
    sums.loc[{"forecaster": "reference"}] = np.nan
    with pytest.raises(UnscorableError, match="expected a channel that better and reference share, found none"):
        scorecard(sums, "better", "reference", score="mae")
