"""Physics gates of a tiny model: what is measured, what is not and why, and where limits come from."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.verification.realism.report import RealismReport
from pipelines.scoring import realism
from pipelines.scoring.realism import RealismRequest, measure_realism, realism_period
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import invented_weather

NOT_MEASURED = {
    "wind-spectrum": "no level has both u and v",
    "geostrophic-balance": "no pressure level has z, u and v",
    "hydrostatic-balance": "no layer between two geopotentials",
    "device": "no GPU on this machine",
}


def measured(tiny: Path, checkpoint: Path, weather: Path) -> RealismReport:
    system = find_system(str(tiny))
    period = realism_period(system, None, None)
    return measure_realism(RealismRequest(system, weather, checkpoint, period, starts=3, members=2, lead_steps=2))


@pytest.fixture(scope="module")
def report(tiny: Path, tiny_checkpoint: Path, weather_file: Path) -> RealismReport:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(realism, "REFERENCE_DAYS", 5)
        patch.setattr(realism, "TRAINING_DAYS", 20)
        patch.setattr("torch.cuda.is_available", lambda: False)
        return measured(tiny, tiny_checkpoint, weather_file)


def test_what_is_measured_and_what_is_not(report: RealismReport) -> None:
    gates = {gate.name: gate for gate in report.gates}
    for name, reason in NOT_MEASURED.items():
        assert gates[name].status == "not measured"
        assert gates[name].reason.startswith(reason)
    bands = 2  # 1-3 and 4-5 of 8 latitudes
    for name in ("spectrum", "spread-by-scale", "growth-from-analogues"):
        assert gates[name].measured == 2 * bands * 2
    assert set(gates["spectrum"].dims) == {"channel", "band", "lead_time"}
    assert gates["ranks"].measured >= 2 * 2 * 2
    assert (report.starts, report.members, report.lead_hours) == (3, 2, (24.0, 48.0))
    assert sum(report.regimes.values()) == 3
    assert report.limits_from == ("2007-12-01", "2007-12-31")


def test_limits_know_nothing_of_the_test_period(
    report: RealismReport, tiny: Path, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other weather from 2008 on, rougher and of another mean, changes numbers and no limit."""
    monkeypatch.setattr(realism, "REFERENCE_DAYS", 5)
    monkeypatch.setattr(realism, "TRAINING_DAYS", 20)
    weather = invented_weather()
    late = weather["time"] >= np.datetime64("2008-01-01")
    changed = weather.assign(msl=xr.where(late, weather["msl"] * 3 - 2 * 101000, weather["msl"]).astype(np.float32))
    changed["msl"].attrs = weather["msl"].attrs
    changed["msl"] = changed["msl"].transpose("time", "latitude", "longitude")
    changed.to_netcdf(tmp_path / "other.nc", engine="netcdf4")
    other = measured(tiny, tiny_checkpoint, tmp_path / "other.nc")
    pairs = list(zip(report.gates[0].figures, other.gates[0].figures, strict=True))
    assert [one[2:] for one, _ in pairs] == [two[2:] for _, two in pairs]
    assert any(one[1] != two[1] for one, two in pairs if "msl" in one[0])


def test_days(tiny: Path) -> None:
    system = find_system(str(tiny))
    assert realism_period(system, None, None) == system.periods.test
    assert str(realism_period(system, "2008-01-05", "2008-01-20").end) == "2008-01-20"
    with pytest.raises(ConfigurationError, match="--end: expected a day not before"):
        realism_period(system, "2008-01-05", "2008-01-01")
