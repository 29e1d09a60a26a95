"""The large systems train as they are written: a cut-down of each goes through the same stages to a forecast."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.layout.variables import channel
from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.system.system import System
from forecast.training.train import train
from pipelines.workspace.systems import find_system

LARGE = ("era5-1p5", "era5-0p25")
DAYS = 365


def weather(system: System) -> xr.Dataset:
    """Random fields on a small grid with points on the poles: days of the training period, then of the validation."""
    generator = np.random.default_rng(0)
    halves = [period.start for period in (system.periods.training, system.periods.validation)]
    time = np.concatenate([np.datetime64(first, "ns") + np.arange(DAYS) * np.timedelta64(1, "D") for first in halves])
    latitude, longitude = np.linspace(-90, 90, 25), np.arange(32) * 11.25
    fields = {}
    for name in (*system.state.predictands, *system.state.static):
        dims = ("latitude", "longitude") if name in system.state.static else ("time", "latitude", "longitude")
        values = generator.normal(size=[{"time": time.size, "latitude": 25, "longitude": 32}[dim] for dim in dims])
        lowest = channel(name).variable.minimum
        fields[name] = (dims, (values if lowest is None else np.maximum(values, lowest)).astype(np.float32))
    return xr.Dataset(fields, coords={"time": time, "latitude": latitude, "longitude": longitude})


def cut_down(system: System) -> System:
    """The system with a narrow network, few iterations and small batches; everything else as shipped."""
    sizes = {"iterations": 2, "batch_size": 2, "micro_batch_size": 1, "validation_samples": 2}
    return system.changed(
        network=system.network.changed(widths=[8] * len(system.network.widths)),
        training=system.training.changed(**sizes),
        finetuning=tuple(stage.changed(iterations=1, batch_size=2) for stage in system.finetuning),
    )


@pytest.mark.parametrize("name", LARGE)
def test_a_cut_down_goes_through_all_stages_to_members(name: str, tmp_path: Path) -> None:
    system = cut_down(find_system(name))
    analysis = weather(system)
    stages = [state.stage for state in train(system, analysis, tmp_path)]
    assert stages == ["denoising"] * 2 + ["fine-tuning over 1 lead step", "fine-tuning over 4 lead steps"]
    checkpoint = load_checkpoint(tmp_path)
    request = MemberRequest(analysis["time"].values[-1], range(2), 1)
    (made,) = forecast_members(checkpoint, checkpoint.system, analysis, request, batch_size=2)
    assert set(made.fields) == set(system.state.predictands)


@pytest.mark.parametrize("name", LARGE)
def test_the_recipe_is_that_of_speedy(name: str) -> None:
    large, small = find_system(name), find_system("speedy-5p6")
    assert large.sampler == small.sampler.changed(noise_inflation=1.0)
    assert large.diffusion == small.diffusion
    assert (large.training.optimiser, large.training.mirrored) == (small.training.optimiser, small.training.mirrored)
    assert [each.lead_steps for each in large.finetuning] == [each.lead_steps for each in small.finetuning]
    # Batches divide among 64 GPUs in teams of two.
    assert {large.training.batch_size, *(each.batch_size for each in large.finetuning)} == {32}
