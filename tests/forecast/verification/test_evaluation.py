from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import (
    EvaluationSums,
    UnscorableError,
    area_weights,
    bias,
    crps,
    ensemble_mean_rmse,
    evaluation,
    mae,
    rank_histogram,
    spread,
    spread_skill_ratio,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


def cycles(
    make_pair: MakePair, kinds: tuple[str, ...] = ("random", "tied", "offset")
) -> list[tuple[xr.Dataset, xr.Dataset]]:
    pairs = [make_pair(kind, dtype=np.float32) for kind in kinds]
    return [(f.to_dataset(name="msl"), a.to_dataset(name="msl")) for f, a in pairs]


def test_scores_are_those_of_all_cycles_together(make_pair: MakePair) -> None:
    pairs = cycles(make_pair)
    sums = EvaluationSums()
    for forecast, analysis in pairs:
        sums.add(forecast, analysis)
    table = sums.scores()["msl"]
    assert sums.cycles == 3
    forecast, analysis = (xr.concat([pair[side]["msl"] for pair in pairs], "init_time") for side in (0, 1))
    options = {"reduce": ("init_time", "latitude", "longitude"), "weights": area_weights(forecast["latitude"])}
    expected = {
        "crps": crps(forecast, analysis, **options),
        "rmse": ensemble_mean_rmse(forecast, analysis, **options),
        "mae": mae(forecast, analysis, **options),
        "bias": bias(forecast, analysis, **options),
        "spread": spread(forecast, analysis, **options),
        "spread_skill": spread_skill_ratio(forecast, analysis, **options),
    }
    assert set(table) == {*expected, "rank_histogram"}
    for name, values in expected.items():
        assert list(table[name]) == ["24", "48", "72"]
        np.testing.assert_allclose(list(table[name].values()), values, rtol=1e-6, err_msg=name)
    shares = rank_histogram(forecast, analysis, **options)
    np.testing.assert_allclose(list(table["rank_histogram"].values()), shares, rtol=1e-12)


def test_merging_in_any_order_is_adding(make_pair: MakePair) -> None:
    pairs = cycles(make_pair)
    whole, parts = EvaluationSums(), [EvaluationSums() for _ in pairs]
    for part, pair in zip(parts, pairs, strict=True):
        whole.add(*pair)
        part.add(*pair)
    merged = parts[2].merge(parts[0]).merge(parts[1]).scores()["msl"]
    expected = whole.scores()["msl"]
    for name in ("crps", "rmse", "bias"):
        np.testing.assert_allclose(list(merged[name].values()), list(expected[name].values()), rtol=1e-12)
    assert parts[0].cycles == 1


def test_large_ensembles_are_taken_piece_by_piece(make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
    forecast, analysis = cycles(make_pair)[0]
    whole, pieces = EvaluationSums(), EvaluationSums()
    whole.add(forecast, analysis)
    monkeypatch.setattr(evaluation, "PIECE_VALUES", 500)
    pieces.add(forecast.chunk(lead_time=1), analysis.chunk(latitude=2))
    assert pieces.scores() == whole.scores()


def test_undefined_scores_are_none(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("single")
    sums = EvaluationSums()
    sums.add(forecast.to_dataset(name="msl"), analysis.to_dataset(name="msl"))
    table = sums.scores()["msl"]
    assert set(table["crps"].values()) == {None}
    assert set(table["spread_skill"].values()) == {None}
    assert all(value > 0 for value in table["rmse"].values())


def test_bad_cycles_are_refused_and_leave_the_sums_alone(make_pair: MakePair) -> None:
    (forecast, analysis), (other, _), _ = cycles(make_pair)
    sums = EvaluationSums()
    sums.add(forecast, analysis)
    before = sums.scores()
    with pytest.raises(UnscorableError, match=r"msl: expected all values .* found 1 of 144 points missing"):
        sums.add(_one_hole(other), analysis)
    with pytest.raises(UnscorableError, match="expected it in the analysis"):
        sums.add(forecast, analysis.rename(msl="z500"))
    with pytest.raises(UnscorableError, match=r"expected ensembles of one size, found \[4, 9\] members"):
        sums.add(forecast.isel(member=slice(4)), analysis)
    assert sums.scores() == before


def _one_hole(dataset: xr.Dataset) -> xr.Dataset:
    values = np.ones_like(dataset["msl"].values)
    values[2, 1, 1, 1] = np.nan
    return dataset.assign(msl=dataset["msl"].copy(data=values))


def masked(make_pair: MakePair) -> tuple[xr.Dataset, xr.Dataset]:
    """Sea surface temperature, with land that differs from lead time to lead time as sea ice does."""
    forecast, analysis = make_pair("random", dtype=np.float32)
    land = xr.zeros_like(analysis, dtype=bool)
    land[:, 2:4, 1:5] = True
    land[1, 0] = True
    return forecast.where(~land).to_dataset(name="sst"), analysis.where(~land).to_dataset(name="sst")


def test_sea_temperature_is_scored_where_the_analysis_has_it(make_pair: MakePair) -> None:
    forecast, analysis = masked(make_pair)
    sums = EvaluationSums()
    sums.add(forecast, analysis)
    table = sums.scores()["sst"]
    options = {"reduce": ("latitude", "longitude"), "weights": area_weights(forecast["latitude"]), "skip_missing": True}
    np.testing.assert_allclose(
        list(table["crps"].values()), crps(forecast["sst"], analysis["sst"], **options), rtol=1e-6
    )
    np.testing.assert_allclose(list(table["mae"].values()), mae(forecast["sst"], analysis["sst"], **options), rtol=1e-6)
    np.testing.assert_allclose([sum(shares) for shares in table["rank_histogram"].values()], 1.0)
    # A member that has values on land as well, as a reanalysis of its own mask does, changes nothing.
    filled = EvaluationSums()
    filled.add(forecast.fillna(3.0), analysis)
    assert filled.sums is not None
    xr.testing.assert_allclose(filled.sums, sums.sums, rtol=1e-6)


def test_a_member_missing_at_sea_is_refused_and_so_is_an_analysis_without_any_value(make_pair: MakePair) -> None:
    forecast, analysis = masked(make_pair)
    holed = forecast.copy(deep=True)
    holed["sst"][4, 2, 0, 0] = np.nan
    with pytest.raises(UnscorableError, match=r"sst: expected all members wherever .* found 1 points .*lead 72 h"):
        EvaluationSums().add(holed, analysis)
    with pytest.raises(UnscorableError, match=r"sst: expected values in the analysis, found none, first at lead 24 h"):
        EvaluationSums().add(forecast, analysis.where(analysis["lead_time"] > analysis["lead_time"][0]))
    with pytest.raises(UnscorableError, match="msl: expected all values"):
        EvaluationSums().add(forecast.rename(sst="msl"), analysis.rename(sst="msl"))
