"""Optimisers lower the loss, and their state can be restored."""

import pytest
import torch
from torch import nn

from forecast.training.optimiser import Optimiser, scheduled_learning_rate


def two_layers() -> nn.Module:
    torch.manual_seed(0)
    layers = {"hidden": nn.Conv2d(4, 8, 3, padding=1), "exit": nn.Conv2d(8, 2, 1)}
    return nn.ModuleDict(layers).to(memory_format=torch.channels_last)


def loss_of(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return (model["exit"](model["hidden"](x).tanh()) - x[:, :2]).square().mean()


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_the_loss_falls(kind):
    model, x = two_layers(), torch.randn(16, 4, 5, 5)
    optimiser = Optimiser(model, kind, learning_rate=1e-2, weight_decay=0.0)
    first = loss_of(model, x).item()
    for _ in range(60):
        optimiser.zero_grad()
        loss_of(model, x).backward()
        optimiser.step()
    assert loss_of(model, x).item() < 0.5 * first


def test_muon_moves_a_kernel_by_an_orthogonal_matrix():
    model, x = two_layers(), torch.randn(16, 4, 5, 5)
    before = model["hidden"].weight.detach().clone()
    optimiser = Optimiser(model, "muon", learning_rate=1.0, weight_decay=0.0)
    loss_of(model, x).backward()
    optimiser.step()
    change = (model["hidden"].weight.detach() - before).flatten(1)
    strengths = torch.linalg.svdvals(change) / (0.2 * 36**0.5)
    assert 0.5 < strengths.min() < strengths.max() < 1.3
    assert (model["hidden"].weight.grad * change.view_as(before)).sum() < 0


def test_a_learning_rate_of_zero_moves_nothing():
    model, x = two_layers(), torch.randn(2, 4, 5, 5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimiser = Optimiser(model, "muon", learning_rate=1.0, weight_decay=0.1)
    optimiser.set_learning_rate(0.0)
    loss_of(model, x).backward()
    optimiser.step()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_an_optimiser_resumes_from_stored_state(kind):
    x = torch.randn(16, 4, 5, 5)
    whole, part = two_layers(), two_layers()
    first = Optimiser(whole, kind, learning_rate=1e-2, weight_decay=0.1)
    for _ in range(3):
        first.zero_grad()
        loss_of(whole, x).backward()
        first.step()
    part.load_state_dict(whole.state_dict())
    second = Optimiser(part, kind, learning_rate=1e-2, weight_decay=0.1)
    kept = dict(first.tensors())
    for name, tensor in second.tensors():
        tensor.copy_(kept[name])
    for model, optimiser in ((whole, first), (part, second)):
        optimiser.zero_grad()
        loss_of(model, x).backward()
        optimiser.step()
    for one, other in zip(whole.parameters(), part.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_the_learning_rate_warms_up_and_falls_to_one_hundredth():
    rates = [scheduled_learning_rate(2.0, iteration, 100, 10) for iteration in range(101)]
    assert rates[0] == pytest.approx(0.2, rel=0.01)
    assert max(rates) == rates[9] == pytest.approx(2.0, rel=0.03)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[100] == pytest.approx(0.02)
    assert scheduled_learning_rate(2.0, 0, 100, 0) == pytest.approx(2.0)
