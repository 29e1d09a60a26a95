"""Systems and weather that several tests of training share."""

import pytest
import xarray as xr

from forecast.system.system import System


@pytest.fixture
def tuned(system: System) -> System:
    """Denoising, then fine-tuning over two lead steps; a checkpoint after each iteration."""
    return system.changed(
        finetuning=({"iterations": 3, "batch_size": 2, "lead_steps": 2},),
        sampler=system.sampler.changed(sampling_steps=1),
        training=system.training.changed(checkpoint_minutes=1e-9),
    )


@pytest.fixture
def globe(analysis: xr.Dataset) -> xr.Dataset:
    return analysis[["z500", "u850", "tp24"]]


@pytest.fixture
def region(globe: xr.Dataset) -> xr.Dataset:
    return globe.isel(latitude=slice(4, 8), longitude=slice(2, 10))
