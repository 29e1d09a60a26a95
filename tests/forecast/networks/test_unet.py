"""The U-Net halves its maps between widths, and a new block is the identity."""

import torch

from forecast.networks.unet import ResidualBlock, SphereUNet
from forecast.sphere.grid import Topology
from forecast.system.network import UNetSettings


def test_a_fresh_block_changes_nothing():
    x = torch.randn(2, 16, 4, 8)
    block = ResidualBlock(16, 8, Topology(True, "between_points"), dropout=0.0)
    torch.testing.assert_close(block(x, torch.randn(2, 8)), x, rtol=0, atol=0)


def test_each_width_works_on_half_the_map(interface, globe, inputs):
    made, sizes = SphereUNet(interface(globe), UNetSettings(patch=1, widths=(8, 8, 8), blocks=1)), []
    for stage in made.down:
        stage[0].register_forward_hook(lambda _block, given, _result: sizes.append(tuple(given[0].shape[2:])))
    made(*inputs(globe))
    assert sizes == [(16, 32), (8, 16), (4, 8)]


def test_blocks_are_counted_on_both_ways(interface, globe):
    made = SphereUNet(interface(globe), UNetSettings(widths=(8, 16), blocks=3))
    assert sum(isinstance(module, ResidualBlock) for module in made.modules()) == 2 * 2 * 3


def test_dropout_acts_in_training_only(interface, globe, inputs):
    made = SphereUNet(interface(globe), UNetSettings(widths=(8,), blocks=1, dropout=0.5))
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    given = inputs(globe)
    assert not torch.equal(made(*given), made(*given))
    assert torch.equal(made.eval()(*given), made(*given))
