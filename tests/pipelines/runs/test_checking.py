"""A run that fails its checks is kept aside, and published only by an explicit word."""

import logging
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from forecast.products.checks import limits
from forecast.products.files.checked import read_checked
from forecast.products.files.manifest import is_complete, read_manifest
from forecast.products.files.proof import prove_run
from pipelines.runs import forecast as forecasting
from pipelines.runs import staging
from pipelines.runs.cycle import Cycle
from pipelines.runs.forecast import forecast_cycle
from pipelines.workspace.home import Home
from tests.pipelines.conftest import cycle_of

NAMES = ["complete", "as written", "finite", "plausible", "members distinct", "spread"]


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])


def spoil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a disk alter a value between writing and publication."""
    make_products = forecasting.make_products

    def altered(cycle: Cycle) -> Path:
        made = make_products(cycle)
        with netCDF4.Dataset(staging.staged(cycle.run).forecast, "r+") as stored:
            stored.variables["msl"][1, 0] = np.float32(100000)
        return made

    monkeypatch.setattr(forecasting, "make_products", altered)


def test_the_manifest_says_which_checks_passed(place: Home, tiny: Path, weather_file: Path) -> None:
    run = forecast_cycle(cycle_of(place, tiny, "2008-01-10", analysis=weather_file))
    checks = prove_run(run).checks
    assert checks is not None
    assert (list(checks), set(checks.values())) == (NAMES, {"passed", "not judged"})
    assert checks["spread"] == "not judged"
    manifest = run / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"spread": "not judged"', '"spread": "passed"'))
    with pytest.raises(InvalidDataError, match=r"its checks are not those of checks\.json"):
        prove_run(run)


def test_a_run_that_fails_is_kept_aside(
    place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cycle = cycle_of(place, tiny, "2008-01-10", analysis=weather_file)
    with monkeypatch.context() as patch:
        spoil(patch)
        with pytest.raises(InvalidDataError, match="not published, as written: the values read are not those"):
            forecast_cycle(cycle)
        kept = staging.rejected(cycle.run)
        checked = read_checked(kept / "checks.json")
        assert checked is not None
        assert checked.checks["as written"].outcome == "failed"
        assert not is_complete(cycle.run.path)
        assert not staging.staged(cycle.run).path.exists()
        with caplog.at_level(logging.WARNING, "plumecast"):
            asked = cycle_of(place, tiny, "2008-01-10", analysis=weather_file, publish_anyway=True)
            run = forecast_cycle(asked)
    assert "published although a check failed: as written" in caplog.text
    checks = read_manifest(run).checks
    assert checks is not None
    assert checks["as written"] == "failed"
    assert not kept.exists()


def test_spread_is_judged_by_the_system_s_own_runs(
    place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FEWEST_RUNS", 2)
    for day in ("08", "09"):
        forecast_cycle(cycle_of(place, tiny, f"2008-01-{day}", analysis=weather_file))
    run = forecast_cycle(cycle_of(place, tiny, "2008-01-10", analysis=weather_file))
    checked = read_checked(run / "checks.json")
    assert checked is not None
    assert (checked.checks["spread"].outcome, checked.checks["spread"].measured) == ("passed", 6)
