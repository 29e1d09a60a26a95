"""`postprocess`: tables in, calibrated tables and scores out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.cli.app import main


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    weather = rng.normal(5, 4, 120)
    rows = pd.DataFrame({"place": "a", "init_time": pd.date_range("2020-01-01", periods=120), "lead": 24})
    rows["T"] = weather + 1 + rng.normal(0, 1.5, 120)
    rows[[f"m{number}" for number in range(8)]] = weather[:, None] + rng.normal(0, 0.4, (120, 8))
    rows.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


def test_members_and_scores_are_written(table: Path, tmp_path: Path) -> None:
    words = ["postprocess", str(table), "--start", "2020-03-01", "--out", str(tmp_path / "o.csv")]
    assert main([*words, "--scores", str(tmp_path / "s.json")]) == 0
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["emos"]["crps_distribution"] < 0.9 * scores["raw"]["crps"]
    assert scores["emos"]["cases"] == scores["raw"]["cases"] == len(pd.read_csv(tmp_path / "o.csv")) == 60
    assert set(scores["emos"]["by_lead"]) == {"24"}


def test_a_training_that_overlaps_is_refused(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["postprocess", str(table), "--train", str(table), "--fixed", "--out", str(tmp_path / "o.csv")]
    assert main(words) == 2
    assert "nothing is fitted to what it is scored on" in capsys.readouterr().err
    assert main(["postprocess", str(table), "--method", "magic", "--out", str(tmp_path / "o.csv")]) == 2
