"""Every operation of a lead step and of a loss finds all its tensors on one device.

A GPU refuses tensors of the CPU, which no test on a CPU can notice. Here the model is on PyTorch's device `meta`, which
holds no values, and a check of each operation refuses what a GPU would.
"""

from contextlib import nullcontext

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from forecast.calibration.correction import Correction
from forecast.model import step_model
from forecast.model.advance import advance
from forecast.model.step_model import StepModel
from forecast.states.conditions import SCALARS
from forecast.states.standardiser import grid_of, static_tensor
from forecast.training.objectives import ConsistencyDistillation, Denoising, MeanError
from forecast.training.rollout_crps import RolloutCrps
from forecast.training.sample_batch import SampleBatch
from tests.gpu.test_training import NumbersOfTheHost

COPIES = ("aten.copy_", "aten._to_copy")
INDEXED = ("aten.index.", "aten.index_put")
DIT = {"kind": "dit", "patch": 2, "width": 16, "depth": 2, "heads": 2, "window": (2, 4), "position_features": 2}
VARIANTS = {
    "unet": {},
    "dit": {"network": DIT},
    "eofs": {"anchor": {"kind": "linear", "eofs": 4}},
    "harmonics": {"anchor": {"kind": "linear", "space": "harmonics", "truncation": 3, "fading": 1}},
    "mean": {"anchor": {"kind": "mean"}},
    "isotropic": {"diffusion": {"noise": "isotropic"}},
    "residual": {"diffusion": {"noise": "residual", "adaptive": True, "weight": "learned"}},
    "velocity": {"diffusion": {"path": "flow", "output": "velocity", "weight": "velocity"}},
}


class OneDevice(TorchDispatchMode):
    """Refuses operations on tensors of two devices, but for copies, numbers, and indices from the CPU."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        if str(function).startswith(INDEXED) and args[0].is_meta:
            given = [args[0], *args[2:3]]
        devices = {each.device.type for each in given if each.ndim}
        if len(devices) > 1 and not str(function).startswith(COPIES):
            raise AssertionError(f"{function}: tensors on {sorted(devices)}")
        return function(*args, **(kwargs or {}))


@pytest.fixture(autouse=True)
def _without_autocast(monkeypatch):
    """Which the device `meta` lacks."""
    monkeypatch.setattr(step_model.torch, "autocast", lambda *_, **__: nullcontext())


def built(system, analysis):
    return StepModel(system, grid_of(analysis), static_tensor(analysis, ("orography",))).to("meta")


def batch(lead_steps, *shape):
    """Four samples, as they come from the loader."""
    made = SampleBatch(
        past=torch.zeros(4, 2, *shape),
        following=torch.zeros(4, lead_steps, *shape),
        scalars=torch.zeros(4, lead_steps, SCALARS),
        years=torch.tensor([2001] * 4),
        lower_bounds=torch.zeros(4, lead_steps, *shape),
    )
    return made.to("meta")


@pytest.mark.parametrize("moved", ["residual_std", "network"])
def test_what_stays_on_the_cpu_is_found(system, analysis, moved):
    model = built(system, analysis)
    if moved in model._buffers:
        model._buffers[moved] = torch.zeros(model._buffers[moved].shape)
    else:
        setattr(model, moved, getattr(StepModel(system, model.grid, torch.zeros(1, 8, 16)), moved))
    with pytest.raises((AssertionError, RuntimeError), match=r"device|tensors on"):
        step(model, system)


def step(model, system, correction=None):
    past = torch.zeros(4, 2, 3, 8, 16, device="meta")
    noise = torch.zeros(4, 3, 8, 16)
    with OneDevice(), torch.no_grad():
        scalars = torch.zeros(4, SCALARS, device="meta")
        return advance(model, system.sampler, past, scalars, lambda _: noise, correction)


def loss_and_gradients(objective, model, lead_steps=1):
    numbers = NumbersOfTheHost(0, 0, 0, range(4), 4, device="meta")
    with OneDevice():
        loss = objective(model, batch(lead_steps, 3, 8, 16), torch.ones(3, 8, 16, device="meta"), numbers)
        loss.sum().backward()
    assert loss.is_meta
    assert any(weight.grad is not None for weight in model.network.parameters())


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_each_kind_of_model(system, analysis, changes):
    chosen = system.changed(**changes)
    model = built(chosen, analysis)
    state = step(model, chosen)
    assert state.is_meta
    assert state.shape == (4, 3, 8, 16)
    loss_and_gradients(Denoising(), model)


@pytest.mark.parametrize("centre", ["mirrored", "first-estimate"])
def test_a_corrected_step(system, analysis, centre):
    assert step(built(system, analysis), system, Correction(torch.ones(3, 1, 1), centre)).is_meta


@pytest.mark.parametrize("kind", ["dpmpp-2m", "renoise"])
def test_samplers_with_a_memory_and_with_fresh_noise(system, analysis, kind):
    sampled = system.changed(sampler=system.sampler.changed(kind=kind))
    assert step(built(sampled, analysis), sampled).is_meta


def test_each_objective(system, analysis):
    options = {"spectral_weight": 1.0, "amounts": (2,), "amounts_weight": 1.0}
    teacher = built(system, analysis)
    loss_and_gradients(MeanError(), built(system, analysis))
    loss_and_gradients(ConsistencyDistillation(teacher, system.sampler, 4), built(system, analysis))
    loss_and_gradients(RolloutCrps(system.sampler, 2, 2, 0.98, **options), built(system, analysis), lead_steps=2)
