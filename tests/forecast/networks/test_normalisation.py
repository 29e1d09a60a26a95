"""Groups of channels are normalised over the whole map, as PyTorch's group normalisation does."""

import pytest
import torch

from forecast.networks.normalisation import MapNorm


@pytest.mark.parametrize(("width", "groups"), [(8, 1), (16, 1), (32, 2), (96, 6), (40, 2)])
def test_groups_have_about_sixteen_channels(width, groups):
    assert MapNorm(width).groups == groups


def test_each_group_gets_mean_0_and_variance_1():
    made = MapNorm(32)(3 + 2 * torch.randn(2, 32, 6, 8))
    grouped = made.unflatten(1, (2, -1))
    torch.testing.assert_close(grouped.mean(dim=(2, 3, 4)), torch.zeros(2, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(grouped.var(dim=(2, 3, 4), correction=0), torch.ones(2, 2), atol=1e-3, rtol=0)


def test_it_is_pytorchs_with_the_same_weights():
    own, theirs = MapNorm(32), torch.nn.GroupNorm(2, 32)
    assert {name: value.shape for name, value in own.state_dict().items()} == {
        name: value.shape for name, value in theirs.state_dict().items()
    }
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    own.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 32, 6, 8)
    torch.testing.assert_close(own(x), theirs(x), atol=0, rtol=0)
