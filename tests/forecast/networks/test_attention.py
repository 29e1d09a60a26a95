"""Attention is an integral over the sphere, and vectors are carried across the poles."""

import pytest
import torch

from forecast.networks.attention import SphereAttention, WindowLayout
from forecast.networks.patches import Patching
from forecast.networks.tokens import Tokens, WindowTokens


@pytest.fixture
def tokens(globe):
    return Tokens.of(globe, Patching(globe.shape, globe.topology(), patch=1))


def attention(width=8, heads=1):
    torch.manual_seed(0)
    return SphereAttention(width, heads)


def test_zero_queries_return_the_area_mean(tokens):
    made = attention()
    torch.nn.init.zeros_(made.scale)
    layout = WindowLayout(tokens, None, shifted=False, head_width=8)
    x = torch.randn(1, tokens.area.size, 8)
    value = made.inputs(x)[..., 16:]
    weights = torch.from_numpy(tokens.area / tokens.area.sum()).float().reshape(1, -1, 1)
    expected = made.output((value * weights).sum(dim=1, keepdim=True)).expand_as(x)
    torch.testing.assert_close(made(x, layout), expected)


def test_windows_see_only_themselves_until_they_are_shifted(tokens):
    made = attention()
    x = torch.randn(1, tokens.area.size, 8)
    changed = x.clone().unflatten(1, tokens.shape)
    changed[0, -1, 2] += torch.randn(8)
    across = {(row, column) for row in (14, 15) for column in range(18, 22)}  # rows across the pole, half a turn away
    expected = {
        False: {(row, column) for row in range(12, 16) for column in range(4)},
        True: {(row, column) for row in (14, 15) for column in range(2, 6)} | across,
    }
    for shifted in (False, True):
        layout = WindowLayout(tokens, (4, 4), shifted=shifted, head_width=8)
        difference = (made(changed.flatten(1, 2), layout) - made(x, layout)).abs().sum(-1).unflatten(1, tokens.shape)
        assert set(map(tuple, difference[0].nonzero().tolist())) == expected[shifted]


def test_a_uniform_flow_across_the_pole_stays_uniform(tokens):
    """A uniform flow across the pole has v = -cos(longitude) near it."""
    layout = WindowLayout(tokens, (4, 4), shifted=True, head_width=8)
    longitude = torch.from_numpy(tokens.longitude).float().deg2rad().expand(tokens.shape).reshape(1, -1, 1)
    seen = layout.gather(-longitude.cos(), torch.tensor([True]))
    crossed = layout.get_buffer("crossed")[:, 0]
    placed = WindowTokens.of(tokens, (4, 4), shifted=True)
    expected = -placed.longitude.flatten().deg2rad().cos()  # longitudes stay as they were beyond the pole
    assert crossed.sum() == 2 * 2 * 32
    torch.testing.assert_close(seen[0, :, 0], expected, atol=1e-5, rtol=0)


def test_absent_tokens_are_masked(region):
    tokens = Tokens.of(region, Patching(region.shape, region.topology(), patch=2))
    made = attention()
    x = torch.randn(1, tokens.area.size, 8)
    whole = WindowLayout(tokens, None, shifted=False, head_width=8)
    padded = WindowLayout(tokens, (16, 32), shifted=False, head_width=8)  # one window, larger than the map
    torch.testing.assert_close(made(x, padded), made(x, whole), atol=1e-5, rtol=1e-5)
