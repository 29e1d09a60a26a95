"""The sprint for a GPU runs whole on a CPU, in tiny form: tests, figures, a training of all stages, and its scores."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.checkpoints.files import load_checkpoint

SPRINT = Path(__file__).parents[2] / "infra" / "gpu" / "sprint.sh"
STAGES = ["denoising", "fine-tuning over 1 lead step", "fine-tuning over 4 lead steps"]


@pytest.mark.slow
def test_a_dry_run_leaves_what_a_sprint_leaves(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHON": sys.executable}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # without compiled files it takes half as long again
    command = ["bash", str(SPRINT), "--dry-run", "--minutes", "1", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tests = (tmp_path / "tests.txt").read_text()
    assert " skipped" in tests.splitlines()[-1]
    assert "no GPU: torch.cuda.is_available() is false" in tests
    figures = json.loads((tmp_path / "gpu.json").read_text())
    measured = {row["system"] for row in figures["sampling"] if "failed" not in row}
    assert measured == {"speedy-5p6", "era5-1p5", "era5-0p25"}
    assert "| forecast | precision |" in (tmp_path / "gpu.md").read_text()
    made = tmp_path / "speedy-5p6-large"
    with (made / "curve.csv").open() as curve:
        stages = [row[1] for row in csv.reader(curve)]
    assert list(dict.fromkeys(stages)) == STAGES
    assert load_checkpoint(made / "checkpoint").system.name == "speedy-5p6-large"
    scores = json.loads((made / "scores.json").read_text())
    assert scores["finished"]
    assert scores["scores"]
