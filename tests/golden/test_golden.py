"""Files of an earlier release still open and mean the same: archive, checkpoint, run and scores."""

import json
import shutil
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.cli.app import main

HERE = Path(__file__).parent
SYSTEM = str(HERE / "golden.toml")
RELEASES = sorted(HERE.glob("release-*"))
RUN = Path("runs") / "golden" / "20020203T0000Z"
FORECAST = "golden_20020203T0000Z.nc"
MSL_STD = 600.0
ROUNDING_PA = 4.0
"""Forecast files keep sea-level pressure to this."""


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the home directory of an earlier release."""
    copied = tmp_path / "home"
    shutil.copytree(request.param, copied)
    monkeypatch.setenv("PLUMECAST_HOME", str(copied))
    return copied


def _members(run: Path) -> tuple[NDArray[np.float32], list[str]]:
    with netCDF4.Dataset(run / FORECAST) as file:
        return np.asarray(file["msl"][:]), str(file.plumecast_member_seeds).split()


def test_there_are_golden_files() -> None:
    assert RELEASES


def test_the_archive_is_sound(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "show", "ncep-natlantic", "--deep"]) == 0
    printed = capsys.readouterr().out
    assert "430, 2001-01-01T00:00Z to 2002-03-06T00:00Z" in printed
    assert "none (every chunk read)" in printed


def test_a_run_grows_and_keeps_its_members(home: Path) -> None:
    before, seeds = _members(home / RUN)
    assert main(["forecast", SYSTEM, "--init", "2002-02-03", "--members", "4"]) == 0
    after, grown_seeds = _members(home / RUN)
    assert len(after) == 4
    np.testing.assert_array_equal(after[:3], before)
    assert grown_seeds[:3] == seeds


def test_the_members_are_reproducible(home: Path) -> None:
    before, seeds = _members(home / RUN)
    ids = json.loads((home / RUN / "manifest.json").read_text())
    shutil.rmtree(home / RUN)
    assert main(["forecast", SYSTEM, "--init", "2002-02-03"]) == 0
    after, seeds_again = _members(home / RUN)
    again = json.loads((home / RUN / "manifest.json").read_text())
    assert seeds_again == seeds
    assert {key: again[key] for key in ("model_id", "system_hash", "data_hash", "seeds")} == {
        key: ids[key] for key in ("model_id", "system_hash", "data_hash", "seeds")
    }
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-4 * MSL_STD + ROUNDING_PA)
    assert np.abs(after - before).mean() < 1e-4 * MSL_STD


def test_scores_are_reproduced(home: Path) -> None:
    before = json.loads((home / RUN / "scores.json").read_text())["scores"]
    assert main(["verify", str(home / RUN)]) == 0
    after = json.loads((home / RUN / "scores.json").read_text())["scores"]
    for forecaster, channels in before.items():
        for score, leads in channels["msl"].items():
            for lead, value in leads.items():
                found = after[forecaster]["msl"][score][lead]
                # Eight members at a time are added in float32, in an order that a release may change.
                assert found == (None if value is None else pytest.approx(value, rel=1e-7))
