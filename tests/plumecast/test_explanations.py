from pathlib import Path

import pytest

import plumecast


def test_a_run_is_explained(forecast_home: Path) -> None:
    run = forecast_home / "runs" / "speedy-5p6" / "20080105T0000Z"
    found = plumecast.explain(run, (51.5, -0.1), lead="1d", channel="msl", home=forecast_home)
    assert found["mean_to_t850"].attrs["units"] == "Pa (K)-1"
    assert found["outcome"].sizes == {"member": 3}
    assert min(found.attrs[f"check_correlation_{of}"] for of in ("mean", "spread")) > 0.9
    stored = plumecast.open_forecast(run)["msl"].isel(lead_time=0).sel(latitude=51.5, longitude=0, method="nearest")
    assert found["outcome"].values == pytest.approx(stored.values, abs=20)


def test_a_place_that_is_none(forecast_home: Path) -> None:
    run = forecast_home / "runs" / "speedy-5p6" / "20080105T0000Z"
    with pytest.raises(plumecast.ConfigurationError, match="or one of London, New York"):
        plumecast.explain(run, "Atlantis", home=forecast_home)
