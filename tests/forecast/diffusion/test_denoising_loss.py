"""The loss is the requested one, however noise levels are drawn and weighted."""

import copy
from functools import partial

import pytest
import torch

from forecast.diffusion.denoising_loss import DenoisingLoss
from forecast.diffusion.preconditioning import output_weight
from forecast.diffusion.time_distributions import log_normal, stratified_chances

QUANTILES = partial(log_normal, mean=-1.2, std=1.2)
WEIGHTS = torch.tensor([0.5, 1.5])[:, None, None] * torch.ones(2, 3, 1)


def loss_of(*, adaptive=False, uncertain_channels=0):
    return DenoisingLoss(QUANTILES, output_weight, adaptive=adaptive, uncertain_channels=uncertain_channels)


def batch(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    clean, noise = torch.randn(2, count, 2, 3, 4, generator=generator)
    return clean, noise, stratified_chances(count, generator)


def shrink(x, sigma):
    return x / (1 + sigma[:, None, None, None] ** 2)


def test_plain_loss_has_no_parameters_and_is_the_weighted_mean(exact):
    loss = loss_of()
    assert not loss.state_dict()
    clean, noise, chances = batch(8)
    levels = loss.levels(chances)
    noisy = clean + levels.sigma[:, None, None, None] * noise
    error = ((shrink(noisy, levels.sigma) - clean).square() * WEIGHTS).mean(dim=(1, 2, 3))
    expected = (levels.sigma**2 + 1) / levels.sigma**2 * error
    torch.testing.assert_close(loss(shrink, clean, noise, levels, WEIGHTS), expected)


def test_adaptive_loss_adapts_in_training_only_and_resumes():
    loss = loss_of(adaptive=True)
    clean, noise, chances = batch(16)
    loss.eval()(shrink, clean, noise, loss.levels(chances), WEIGHTS)
    torch.testing.assert_close(loss.levels(chances).sigma, loss_of().levels(chances).sigma)
    loss.train()(shrink, clean, noise, loss.levels(chances), WEIGHTS)
    loss.update()
    stored = copy.deepcopy(loss.state_dict())
    resumed = loss_of(adaptive=True)
    assert not torch.equal(resumed.levels(chances).sigma, loss.levels(chances).sigma)
    resumed.load_state_dict(stored)
    for each in (loss, resumed):
        each(shrink, clean, noise, each.levels(chances), WEIGHTS)
        each.update()
    assert torch.equal(resumed.levels(chances).sigma, loss.levels(chances).sigma)


def test_adaptive_loss_does_not_depend_on_micro_batches():
    clean, noise, chances = batch(16)
    whole, parts = loss_of(adaptive=True), loss_of(adaptive=True)
    for _ in range(3):
        whole(shrink, clean, noise, whole.levels(chances), WEIGHTS)
        for places in torch.arange(16).split(4):
            parts(shrink, clean[places], noise[places], parts.levels(chances[places]), WEIGHTS)
        whole.update()
        parts.update()
    torch.testing.assert_close(parts.tilt.shares(), whole.tilt.shares())


def test_channel_weights_count_under_learned_uncertainty():
    """The gradient of a channel of weight w is w times as large; learned uncertainty does not cancel this."""
    loss = loss_of(uncertain_channels=2)
    clean, noise, chances = batch(8)
    shift = torch.zeros(2, requires_grad=True)
    levels = loss.levels(chances)
    same = torch.stack([clean[:, 0], clean[:, 0]], dim=1)
    loss(lambda x, sigma: same + shift[:, None, None] + 1, same, noise, levels, WEIGHTS).mean().backward()
    assert float(shift.grad[1] / shift.grad[0]) == pytest.approx(3.0)


def test_learned_uncertainty_finds_the_error_of_each_channel_and_level():
    """The weighted error of the first channel is 1, that of the best denoiser; that of the second grows with sigma."""
    loss = loss_of(uncertain_channels=2)

    def excess(sigma):
        return 6 * sigma / (1 + sigma)

    def denoiser(x, sigma):
        error = (excess(sigma) / output_weight(sigma)).sqrt()[:, None, None]
        best = shrink(x, sigma)
        return torch.stack([best[:, 0], best[:, 1] + error], dim=1)

    optimiser = torch.optim.Adam(loss.parameters(), lr=0.05)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 200)
    for seed in range(200):
        clean, noise, chances = batch(64, seed)
        optimiser.zero_grad()
        loss(denoiser, clean, noise, loss.levels(chances), WEIGHTS).mean().backward()
        optimiser.step()
        falling.step()
    sigma = torch.tensor([0.1, 0.3, 1.0])
    expected = torch.stack([torch.zeros(3), (1 + excess(sigma)).log()], dim=1)
    torch.testing.assert_close(loss.log_variance(sigma), expected, rtol=0, atol=0.1)
