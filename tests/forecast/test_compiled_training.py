"""Compiled blocks are the blocks: the same weights under the same names, whatever compiles them."""

from functools import partialmethod

import pytest
import torch
from torch import nn

from forecast.batches import grid_of, static_tensor
from forecast.checkpoints import load_checkpoint
from forecast.distributed import ALONE
from forecast.model import StepModel
from forecast.sharding import repeated_blocks, spread
from forecast.system import System
from forecast.training import train

DIT = {"kind": "dit", "patch": 2, "width": 16, "depth": 2, "heads": 2, "window": (2, 4), "position_features": 2}


@pytest.fixture(autouse=True)
def _traced_and_not_built(monkeypatch):
    """Tracing is where compilation fails or changes what is computed; machine code of it would take a minute more."""
    torch.compiler.reset()
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend="eager"))
    yield
    torch.compiler.reset()


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # the tracer's own
@pytest.mark.parametrize("network", [None, DIT])
def test_compiled_training_is_training(system, analysis, tmp_path, network):
    content = system.model_dump() | ({"network": network} if network else {})
    weights = {}
    for compiled in (False, True):
        content["training"] |= {"compiled": compiled, "iterations": 2}
        for _ in train(System.model_validate(content), analysis, tmp_path / str(compiled)):
            pass
        weights[compiled] = load_checkpoint(tmp_path / str(compiled)).model.state_dict()
    assert list(weights[True]) == list(weights[False])
    for name, expected in weights[False].items():
        torch.testing.assert_close(weights[True][name], expected, atol=1e-3, rtol=1e-3)


def test_every_block_of_the_network_is_compiled_and_no_anchor(system, analysis):
    content = system.model_dump() | {"anchor": {"kind": "linear", "eofs": 4}}
    content["training"] |= {"step_hours": (24, 48)}
    stepped = System.model_validate(content)
    model = StepModel(stepped, grid_of(analysis), static_tensor(analysis, ("orography",)))
    blocks = repeated_blocks(model)
    assert blocks
    assert set(blocks) <= set(model.network.modules())
    spread(model, ALONE, compiled=True)
    assert all(block._compiled_call_impl is not None for block in blocks)
