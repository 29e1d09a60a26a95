"""Score archives, and evaluations as datasets."""

from pathlib import Path

import numpy as np
import pytest

import plumecast
from plumecast.scores import scores_dataset


def test_the_archive_holds_the_scores_of_the_run(forecast_home: Path) -> None:
    sums = plumecast.open_scores("speedy-5p6", home=forecast_home)["sums"]
    scores = plumecast.verification.scores_of(sums.sum("init_time", min_count=1)).sel(region="global")
    scores = scores.assign_coords(forecaster=[name.split("@")[0] for name in scores["forecaster"].values])
    of_run = plumecast.find_runs(forecast_home)[0].scores
    assert of_run is not None
    for name in ("crps", "rmse", "spread_skill"):
        np.testing.assert_allclose(scores[name].reindex_like(of_run[name]), of_run[name], rtol=1e-9)


def test_period_and_forecasters_can_be_selected(forecast_home: Path) -> None:
    directory = forecast_home / "scores" / "speedy-5p6"
    names = plumecast.open_scores(directory)["forecaster"].values.tolist()
    assert len(names) == 5
    chosen = plumecast.open_scores(directory, forecasters=names[:1], start="2008-01-05", end="2008-01-05")
    assert chosen["forecaster"].values.tolist() == names[:1]
    with pytest.raises(plumecast.InvalidDataError, match="found none"):
        plumecast.open_scores(directory, start="2008-01-06")


def test_a_missing_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(plumecast.MissingDataError, match="plumecast verify"):
        plumecast.open_scores("speedy-5p6", home=tmp_path)


def test_evaluation_as_a_dataset_keeps_its_order_and_gaps() -> None:
    score = {"crps": {"24": 1.0, "120": None}, "rmse": {"24": 2.0, "120": 3.0}}
    evaluation = {
        "system": "s",
        "members": 5,
        "scores": {"plumecast": {"z500": score, "msl": score}, "mine": {"msl": score}},
    }
    scores = scores_dataset(evaluation)
    assert scores["channel"].values.tolist() == ["z500", "msl"]
    assert scores["forecaster"].values.tolist() == ["plumecast", "mine"]
    assert (scores["lead_time"].values / np.timedelta64(1, "h")).tolist() == [24, 120]
    np.testing.assert_array_equal(scores["crps"].sel(forecaster="plumecast", channel="msl"), [1, np.nan])
    assert np.isnan(scores["rmse"].sel(forecaster="mine", channel="z500")).all()
    assert scores.attrs == {"system": "s", "members": 5}
