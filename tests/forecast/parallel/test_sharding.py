"""A module prepared for training on one process is the same module, recomputed and compiled block by block."""

import pytest
import torch
from torch import nn

from forecast.parallel.ranks import ALONE
from forecast.parallel.sharding import (
    accumulating,
    distribute,
    full_tensor,
    full_tensors_on_cpu,
    overwrite,
    repeated_blocks,
)


class Loss(nn.Module):
    """A loss through two repeated blocks, which count their forward passes."""

    def __init__(self):
        super().__init__()
        self.entry = nn.Linear(3, 3)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(3, 3), nn.Tanh()) for _ in range(2))
        self.passes = 0
        for block in self.blocks:
            block[0].register_forward_hook(self._count)

    def _count(self, *_):
        self.passes += 1

    def forward(self, x):
        x = self.entry(x)
        for block in self.blocks:
            x = block(x)
        return x.square().mean()


def loss_and_gradients(**options):
    torch.manual_seed(0)
    module = Loss()
    names = set(module.state_dict())
    loss = distribute(module, ALONE, **options)(torch.ones(4, 3))
    loss.backward()
    assert set(module.state_dict()) == names
    return module, loss.detach(), [parameter.grad for parameter in module.parameters()]


def test_recomputing_blocks_changes_neither_loss_nor_gradients():
    kept, loss, gradients = loss_and_gradients()
    again, loss_again, gradients_again = loss_and_gradients(recompute=True)
    assert (kept.passes, again.passes) == (2, 4)
    torch.testing.assert_close(loss_again, loss, rtol=0, atol=0)
    torch.testing.assert_close(gradients_again, gradients, rtol=0, atol=0)


def test_repeated_blocks_are_the_innermost_of_lists_in_lists():
    module = nn.ModuleDict({"stages": nn.ModuleList([nn.ModuleList([nn.Linear(1, 1), nn.Linear(2, 2)])])})
    assert repeated_blocks(module) == list(module["stages"][0])
    assert repeated_blocks(nn.Linear(1, 1)) == []


@pytest.mark.parametrize("more", [True, False])
def test_one_process_accumulates_gradients_as_they_come(more):
    weight = nn.Parameter(torch.ones(1))
    for _ in range(2):
        with accumulating(nn.Linear(1, 1), more=more):
            (2 * weight).sum().backward()
    assert weight.grad.tolist() == [4.0]


def test_a_tensor_of_one_process_is_whole():
    weight = nn.Parameter(torch.ones(2))
    assert not full_tensor(weight).requires_grad
    assert full_tensors_on_cpu({"weight": weight}, ALONE)["weight"].tolist() == [1.0, 1.0]


def test_values_are_overwritten_in_place_and_in_their_own_precision():
    weight = nn.Parameter(torch.zeros(2, dtype=torch.bfloat16))
    overwrite(weight, torch.tensor([1.5, 2.5]))
    assert weight.dtype == torch.bfloat16
    assert weight.tolist() == [1.5, 2.5]
