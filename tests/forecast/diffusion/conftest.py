"""Distributions whose denoiser and whose samples are known exactly, one number a sample."""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor


@dataclass(frozen=True)
class Mixture:
    """A mixture of normal distributions; with one component, a normal distribution."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]

    def denoiser(self, x: Tensor, sigma: Tensor) -> Tensor:
        """E[clean | x]: the posterior means of the components, weighted by their posterior probabilities."""
        level = sigma[:, None, None, None]
        shares, estimates = [], []
        for weight, mean, std in zip(self.weights, self.means, self.stds, strict=True):
            variance = std**2 + level.square()
            shares.append(math.log(weight) - 0.5 * variance.log() - 0.5 * (x - mean).square() / variance)
            estimates.append((x * std**2 + mean * level.square()) / variance)
        return (torch.softmax(torch.stack(shares), dim=0) * torch.stack(estimates)).sum(dim=0)

    def chance(self, x: Tensor, sigma: float) -> Tensor:
        """Distribution function of clean + sigma noise."""
        parts = zip(self.weights, self.means, self.stds, strict=True)
        return sum(w * torch.special.ndtr((x - m) / math.hypot(s, sigma)) for w, m, s in parts)

    def transported(self, x: Tensor, sigma: float, next_sigma: float) -> Tensor:
        """Image of x under the probability flow, which preserves quantiles in one dimension."""
        wanted = self.chance(x, sigma)
        reach = 40.0 * (next_sigma + 1.0)
        low, high = torch.full_like(x, -reach), torch.full_like(x, reach)
        for _ in range(80):
            middle = 0.5 * (low + high)
            below = self.chance(middle, next_sigma) < wanted
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return 0.5 * (low + high)

    def sampled(self, count: int, generator: torch.Generator) -> Tensor:
        """Clean states: (count, 1, 1, 1)."""
        chosen = torch.multinomial(torch.tensor(self.weights), count, replacement=True, generator=generator)
        normal = torch.randn(count, dtype=torch.float64, generator=generator)
        means, stds = torch.tensor(self.means).double(), torch.tensor(self.stds).double()
        return (means[chosen] + stds[chosen] * normal).reshape(count, 1, 1, 1)


def noise_quantiles(count: int, reach: float = 0.98) -> Tensor:
    """Equally likely standard normal values, ascending, float64: (count, 1, 1, 1)."""
    chances = torch.linspace(0.5 * (1 - reach), 0.5 * (1 + reach), count, dtype=torch.float64)
    return torch.special.ndtri(chances).reshape(count, 1, 1, 1)


@pytest.fixture(scope="session")
def exact() -> SimpleNamespace:
    return SimpleNamespace(
        normal=Mixture((1.0,), (0.7,), (0.5,)),
        two_peaks=Mixture((0.3, 0.7), (-1.5, 0.8), (0.3, 0.5)),
        standard=Mixture((1.0,), (0.0,), (1.0,)),
        noise_quantiles=noise_quantiles,
    )
