"""Compiled blocks have the same weights, names, losses and gradients."""

from functools import partialmethod

import pytest
import torch
from torch import nn

from forecast.checkpoints.files import load_checkpoint
from forecast.model.step_model import StepModel
from forecast.parallel.ranks import ALONE
from forecast.parallel.sharding import distribute, repeated_blocks
from forecast.states.standardiser import grid_of, static_tensor
from forecast.training.objectives import Denoising, Losses
from forecast.training.random_numbers import RandomNumbers
from forecast.training.samples import make_samples
from forecast.training.train import train

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # the tracer's own

DIT = {"kind": "dit", "patch": 2, "width": 16, "depth": 2, "heads": 2, "window": (2, 4), "position_features": 2}


@pytest.fixture(autouse=True)
def _traced_and_not_built(monkeypatch):
    """Only trace: compilation fails or changes results while tracing, and machine code would take a minute more."""
    torch.compiler.reset()
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend="eager"))
    yield
    torch.compiler.reset()


@pytest.mark.parametrize("network", [None, DIT])
def test_compiled_blocks_have_the_same_loss_and_gradients(system, analysis, checkpoint, network):
    chosen = system.changed(network=network) if network else system
    model = StepModel(chosen, grid_of(analysis), static_tensor(analysis, ("orography",)))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    samples = make_samples(analysis, checkpoint.standardiser, system).batch(torch.arange(4))
    losses, area, found = Losses(model), checkpoint.grid.area_weights().expand(3, -1, -1), []
    for compiled in (False, True):
        if compiled:
            distribute(losses, ALONE, compiled=True)
        losses.zero_grad()
        loss = losses(Denoising(), samples, area, RandomNumbers(0, 0, 0, range(4), 4))
        loss.sum().backward()
        found.append((loss.detach(), [weight.grad.clone() for weight in model.parameters()]))
    torch.testing.assert_close(found[1], found[0], atol=1e-4, rtol=1e-4)
    assert all(gradient.abs().max() > 0 for gradient in found[0][1])


def test_compiled_training_keeps_the_names_of_the_weights(system, analysis, tmp_path):
    compiled = system.changed(training=system.training.changed(compiled=True, iterations=2))
    for _ in train(compiled, analysis, tmp_path):
        pass
    assert load_checkpoint(tmp_path).training.stages["denoising"].iterations == 2


def test_every_block_of_the_network_is_compiled_and_no_anchor(system, analysis):
    stepped = system.changed(
        anchor={"kind": "linear", "eofs": 4}, training=system.training.changed(step_hours=(24, 48))
    )
    model = StepModel(stepped, grid_of(analysis), static_tensor(analysis, ("orography",)))
    blocks = repeated_blocks(model)
    assert blocks
    assert set(blocks) <= set(model.network.modules())
    distribute(model, ALONE, compiled=True)
    assert all(block._compiled_call_impl is not None for block in blocks)
