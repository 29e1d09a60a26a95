"""Runs, opened from their directories."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import plumecast


@pytest.fixture(scope="module")
def path(forecast_home: Path) -> Path:
    return forecast_home / "runs" / "speedy-5p6" / "20080105T0000Z"


def test_a_run_has_all_outputs_of_a_forecast(path: Path) -> None:
    run = plumecast.open_run(path)
    assert (run.system, run.init_time) == ("speedy-5p6", np.datetime64("2008-01-05"))
    assert run.page.is_file()
    assert run.manifest.delivered.members == (0, 1, 2)
    assert run.manifest.delivered.lead_hours == (24, 48)
    assert dict(run.forecast.sizes) == {"member": 3, "lead_time": 2, "latitude": 32, "longitude": 64}
    assert run.forecast["t2m"].chunks is not None
    assert run.forecast is run.forecast
    run.verify_files()


def test_products_are_those_of_the_members(path: Path) -> None:
    run = plumecast.open_run(path)
    products, members = run.products, run.forecast["t2m"]
    assert products["init_time"] == run.init_time
    np.testing.assert_allclose(products["t2m_mean"], members.mean("member"), atol=0.02)
    np.testing.assert_allclose(products["t2m_spread"], members.std("member", ddof=1), atol=0.02)
    median = products["t2m_quantile"].sel(quantile=0.5)
    np.testing.assert_allclose(median, members.median("member"), atol=0.02)
    freezing = products["t2m_below_273p15"]
    np.testing.assert_allclose(freezing, (members < 273.15).mean("member"), atol=1e-3)


def test_scores_stand_beside_those_of_baselines(path: Path) -> None:
    scores = plumecast.open_run(path).scores
    assert scores is not None
    assert scores.attrs["members"] == 3
    assert set(scores["forecaster"].values) == {"plumecast", "climatology", "persistence", "linear", "analogue"}
    assert list(scores["lead_time"].values / np.timedelta64(1, "h")) == [24, 48]
    assert np.isnan(scores["crps"].sel(forecaster="persistence")).all()
    assert np.isfinite(scores["crps"].sel(forecaster="plumecast")).all()


def test_run_without_scores_has_none(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "speedy-5p6" / path.name
    shutil.copytree(path, copy)
    (copy / "scores.json").unlink()
    assert plumecast.open_run(path).scores is not None
    with pytest.raises(plumecast.InvalidDataError, match="scores"):
        plumecast.open_run(copy)


def test_damaged_and_unfinished_runs_are_errors(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "speedy-5p6" / path.name
    shutil.copytree(path, copy)
    run = plumecast.open_run(copy)
    content = bytearray(run.page.read_bytes())
    content[100] ^= 1
    run.page.write_bytes(content)
    plumecast.open_run(copy)
    with pytest.raises(plumecast.InvalidDataError, match="report"):
        run.verify_files()
    (copy / "manifest.json").unlink()
    with pytest.raises(plumecast.MissingDataError, match="not finished"):
        plumecast.open_run(copy)
    with pytest.raises(plumecast.ConfigurationError, match="found none"):
        plumecast.open_run(tmp_path)


def test_runs_are_found(forecast_home: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plumecast.find_runs(forecast_home)
    assert [run.path for run in found] == [path]
    monkeypatch.setenv("PLUMECAST_HOME", str(forecast_home))
    assert plumecast.find_runs(system="speedy-5p6") == found
    assert plumecast.find_runs(system="era5-5p6") == []
    assert plumecast.find_runs(forecast_home / "nowhere") == []
