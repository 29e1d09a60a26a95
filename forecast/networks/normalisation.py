"""Group normalisation of maps, of which a process may hold only a band of latitudes."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from forecast.parallel.bands import WHOLE, Bands

CHANNELS_OF_GROUP = 16
"""About as many channels are normalised together; in smaller groups the strength of a feature would be lost."""
_EPSILON = 1e-5


class MapNorm(nn.Module):
    """Normalises groups of channels to mean 0 and variance 1 over the whole map, then scales and shifts each channel.

    Args:
        width: Number of channels.

    Source: Wu and He (2018), arXiv:1803.08494
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.groups = math.gcd(width, max(1, width // CHANNELS_OF_GROUP))
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.bands: Bands = WHOLE

    def forward(
        self, x: Float[Tensor, "batch width latitude longitude"]
    ) -> Float[Tensor, "batch width latitude longitude"]:
        """Normalise maps.

        Args:
            x: The maps, or this band's rows of them.
        """
        if self.bands.count == 1:
            return functional.group_norm(x, self.groups, self.weight, self.bias, _EPSILON)
        normalised: Tensor = _BandNorm.apply(x, self.weight, self.bias, self.groups, self.bands)  # type: ignore[no-untyped-call]
        return normalised


class _BandNorm(torch.autograd.Function):
    """Group normalisation over the rows of all bands; keeps its input alone, as PyTorch's does."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, bands: Bands) -> Tensor:
        values = _grouped(x, groups)
        mean, variance, count = _moments(values, bands)
        scale = (variance + _EPSILON).rsqrt()
        ctx.save_for_backward(x, weight, mean, scale)
        ctx.groups, ctx.bands, ctx.count = groups, bands, count
        normalised: Tensor = ((values - mean) * scale).flatten(1, 2)
        scaled: Tensor = (normalised * weight[:, None, None] + bias[:, None, None]).to(x.dtype)
        return scaled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        x, weight, mean, scale = ctx.saved_tensors
        gradient = gradient.float()
        normalised = (_grouped(x, ctx.groups) - mean) * scale
        of_weight = (gradient * normalised.flatten(1, 2)).sum(dim=(0, 2, 3))
        inner = _grouped(gradient * weight[:, None, None], ctx.groups)
        sums = torch.stack([_sum(inner), _sum(inner * normalised)])
        level, slope = ctx.bands.gather(sums).sum(dim=0) / ctx.count
        of_x = scale * (inner - level - normalised * slope)
        return of_x.flatten(1, 2).to(x.dtype), of_weight, gradient.sum(dim=(0, 2, 3)), None, None


def _grouped(x: Tensor, groups: int) -> Tensor:
    """Maps as float32, (batch, group, channel of the group, row, column)."""
    grouped: Tensor = x.float().unflatten(1, (groups, -1))
    return grouped


def _sum(values: Tensor) -> Tensor:
    return values.sum(dim=(2, 3, 4), keepdim=True)


def _moments(values: Tensor, bands: Bands) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean and the variance over all bands, and the number of values.

    Source: Chan, Golub and LeVeque (1983), doi:10.2307/2683386
    """
    variance, mean = torch.var_mean(values, dim=(2, 3, 4), keepdim=True, correction=0)
    own = torch.full_like(mean, math.prod(values.shape[2:]))
    means, variances, counts = bands.gather(torch.stack([mean, variance, own])).unbind(dim=1)
    count = counts.sum(dim=0)
    mean = (means * counts).sum(dim=0) / count
    spread = ((variances + (means - mean).square()) * counts).sum(dim=0) / count
    return mean, spread, count
