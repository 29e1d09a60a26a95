"""A model of daily steps, scored from starts at different hours of the day."""

from pathlib import Path

import numpy as np
import pytest

from pipelines.scoring.evaluate import evaluate
from pipelines.scoring.tables import caption, header
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import evaluation_of, invented_weather

STARTS = ["2008-01-01T00", "2008-01-02T12", "2008-01-04T00", "2008-01-05T12"]


@pytest.fixture(scope="module")
def twice_daily(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("twice-daily") / "weather.nc"
    invented_weather(every_hours=12).to_netcdf(path, engine="netcdf4")
    return path


@pytest.fixture(scope="module")
def checkpoint(tiny: Path, twice_daily: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that learned from 00 and 12 UTC; its baselines were fitted to 00 UTC alone."""
    directory = tmp_path_factory.mktemp("trained") / "tiny"
    return train_system(TrainingRequest(find_system(str(tiny)), twice_daily, directory))


@pytest.mark.parametrize("last", [3, 4], ids=["the last start at midnight", "the last start at noon"])
def test_a_baseline_is_scored_on_the_starts_that_it_knows(
    place: Home, tiny: Path, twice_daily: Path, checkpoint: Path, last: int
) -> None:
    starts = [np.datetime64(start, "ns") for start in STARTS[:last]]
    end = str(starts[-1] + np.timedelta64(2, "D"))
    options = {"analysis": twice_daily, "checkpoint": checkpoint, "members": 3, "lead": "2d", "device": "cpu"}
    evaluated = evaluate(evaluation_of(place, tiny, every="36h", end=end, **options))
    midnight = tuple(starts[::2])
    assert evaluated.starts == {
        "plumecast": tuple(starts), "climatology": midnight, "persistence": tuple(starts), "linear": midnight,
        "analogue": midnight,
    }  # fmt: skip
    content = evaluated.report
    assert list(content.scores) == ["plumecast", "climatology", "persistence", "linear", "analogue"]
    assert content.starts["plumecast"] == content.starts["persistence"] == {"24": last, "48": last}
    assert content.starts["climatology"] == content.starts["linear"] == content.starts["analogue"] == {"24": 2, "48": 2}
    assert caption(content).endswith(
        f"MAE; climatology on 2 of {last} starts; linear on 2 of {last} starts; analogue on 2 of {last} starts"
    )
    assert header(content)[4:8] == ["persistence", "linear", "analogue", "skill/climatology"]
    assert set(evaluated.labels) == set(evaluated.starts)
