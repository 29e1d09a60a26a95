"""Models by name, and ensembles in memory."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import plumecast


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    """An ensemble made with the package alone."""
    nowhere = tmp_path_factory.mktemp("empty")
    forecast = plumecast.ensemble_forecast("speedy-5p6", "speedy-5p6", "2008-01-05", 3, lead="2d", home=nowhere)
    assert not list(nowhere.iterdir())
    return forecast


def test_ensemble_is_a_dataset(made: xr.Dataset) -> None:
    assert dict(made.sizes) == {"member": 3, "lead_time": 2, "latitude": 32, "longitude": 64}
    assert made["init_time"] == np.datetime64("2008-01-05")
    assert made["t2m"].attrs["units"] == "K"
    assert made.attrs["plumecast_system"] == "speedy-5p6"


def test_members_are_those_of_the_command(made: xr.Dataset, forecast_home: Path) -> None:
    run = plumecast.find_runs(forecast_home)[0]
    assert made.attrs["plumecast_model_id"] == run.manifest.model_id
    assert made.attrs["plumecast_system_hash"] == run.manifest.system_hash
    for name, field in made.items():
        np.testing.assert_allclose(run.forecast[name], field, atol=3e-4 * float(field.std()))


def test_small_ensemble_begins_a_large_one(made: xr.Dataset) -> None:
    checkpoint = plumecast.load_checkpoint("speedy-5p6")
    assert len(checkpoint.models) == 2
    sample = plumecast.open_archive("speedy-5p6")
    turned = sample.isel(latitude=slice(None, None, -1)).rename(latitude="lat", longitude="lon")
    start = datetime(2008, 1, 5, tzinfo=UTC)
    first = plumecast.ensemble_forecast(checkpoint, turned, start, 1, lead="24h", device="cpu")
    for name, field in first.items():
        wanted = made[name].sel(member=[0]).isel(lead_time=[0])
        np.testing.assert_allclose(field, wanted, atol=1e-4 * float(made[name].std()))


def test_errors_name_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(plumecast.ConfigurationError, match="expected one of"):
        plumecast.load_checkpoint("speedy")
    with pytest.raises(plumecast.ConfigurationError, match="plumecast train era5-5p6"):
        plumecast.load_checkpoint("era5-5p6", home=tmp_path)
    checkpoint = plumecast.load_checkpoint("speedy-5p6", home=tmp_path)
    sample = plumecast.open_archive("speedy-5p6", home=tmp_path)
    with pytest.raises(plumecast.MissingDataError, match="2010-01-05"):
        plumecast.ensemble_forecast(checkpoint, sample, "2010-01-05", 1)
    with pytest.raises(plumecast.ConfigurationError, match="lead"):
        plumecast.ensemble_forecast(checkpoint, sample, "2008-01-05", 1, lead="36h")
    with pytest.raises(plumecast.InvalidDataError, match="z500"):
        plumecast.ensemble_forecast(checkpoint, sample[["t2m"]], "2008-01-05", 1)
