"""Noise levels with a large loss are drawn more often, and the expected loss stays the same."""

import pytest
import torch

from forecast.diffusion.loss_sampling import PARTS, LossSampler
from forecast.diffusion.time_distributions import stratified_chances


def test_adaptive_draws_do_not_change_the_objective():
    """For any function of the level, the mean of the weighted losses equals that of uniform draws."""
    sampler = LossSampler()
    sampler.get_buffer("mean_square").copy_(torch.linspace(0.1, 9.0, PARTS) ** 2)
    chances = stratified_chances(200_000, torch.Generator().manual_seed(0))
    bent, importance = sampler(chances)
    for of in (torch.square, lambda u: (7 * u).sin(), torch.ones_like):
        assert float((importance * of(bent)).mean()) == pytest.approx(float(of(chances).mean()), abs=2e-3)
    assert 0 < float(importance.min()) < 1 < float(importance.max()) <= 5


def test_adaptive_draws_follow_the_loss_and_lower_its_variance():
    def steep(chance):
        return torch.exp(4 * chance)

    sampler, generator = LossSampler(), torch.Generator().manual_seed(1)
    for _ in range(300):
        bent, _ = sampler(stratified_chances(16, generator))
        sampler.observe(bent, steep(bent))
        sampler.update()
    middles = (torch.arange(PARTS) + 0.5) / PARTS
    expected = 0.8 * steep(middles) / steep(middles).sum() + 0.2 / PARTS
    torch.testing.assert_close(sampler.shares(), expected, rtol=0.15, atol=0)
    even = torch.rand(20_000, generator=generator)
    bent, importance = sampler(even)
    assert float((importance * steep(bent)).std()) < 0.4 * float(steep(even).std())
