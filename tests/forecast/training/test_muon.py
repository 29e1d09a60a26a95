"""Muon moves matrices by their orthogonalised momentum, in any precision."""

import pytest
import torch

from forecast.training.muon import Muon, orthogonalised


def stepped(kind, gradients, start, **options):
    matrix = torch.nn.Parameter(start.clone())
    optimiser = kind([matrix], lr=0.02, weight_decay=0.1, **options)
    optimiser.state[matrix] = {"momentum_buffer": torch.zeros_like(matrix)}
    for gradient in gradients:
        matrix.grad = gradient.clone()
        optimiser.step()
    return matrix.detach()


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_it_steps_as_pytorch_does(shape):
    torch.manual_seed(0)
    gradients, start = torch.randn(5, *shape), torch.randn(shape)
    ours = stepped(Muon, gradients, start, precision=torch.bfloat16)
    theirs = stepped(torch.optim.Muon, gradients, start, adjust_lr_fn="match_rms_adamw")
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_single_precision_gives_the_same_step_to_the_accuracy_of_half_precision():
    torch.manual_seed(0)
    gradients, start = torch.randn(5, 6, 20), torch.randn(6, 20)
    half, single = (stepped(Muon, gradients, start, precision=one) for one in (torch.bfloat16, torch.float32))
    assert 0 < (half - single).abs().max() < 0.02 * (single - start).abs().max()


@pytest.mark.parametrize("shape", [(6, 20), (20, 6)])
def test_singular_values_come_near_one(shape):
    torch.manual_seed(0)
    strengths = torch.linalg.svdvals(orthogonalised(torch.randn(shape) * 1e3))
    assert 0.65 < strengths.min() < strengths.max() < 1.25


def test_a_gradient_of_zero_moves_nothing():
    assert orthogonalised(torch.zeros(3, 4)).abs().max() == 0


def test_a_matrix_without_gradient_stays():
    matrix = torch.nn.Parameter(torch.ones(2, 3))
    Muon([matrix], lr=1.0, weight_decay=0.5, precision=torch.float32).step()
    assert (matrix == 1).all()
