"""The transformer works on tokens of patches, in windows that are shifted in every other block."""

import torch

from forecast.networks.attention import WindowLayout
from forecast.networks.dit import SphereDiT, TransformerBlock
from forecast.networks.patches import Patching
from forecast.networks.tokens import Tokens
from forecast.system.network import DiTSettings

SMALL = DiTSettings(kind="dit", patch=2, width=16, depth=3, heads=2, expansion=2)


def test_a_fresh_block_changes_nothing(globe):
    tokens = Tokens.of(globe, Patching(globe.shape, globe.topology(), patch=2))
    layout = WindowLayout(tokens, None, shifted=False, head_width=8)
    x = torch.randn(2, tokens.area.size, 16)
    torch.testing.assert_close(TransformerBlock(SMALL, 8)(x, torch.randn(2, 8), layout), x, rtol=0, atol=0)


def test_windows_are_shifted_in_every_other_block(interface, globe, inputs):
    made, used = SphereDiT(interface(globe), SMALL.changed(window=(4, 4))), []
    for block in made.blocks:
        block.register_forward_hook(lambda _block, given, _result: used.append(given[2]))
    made(*inputs(globe))
    assert used == [made.aligned, made.shifted, made.aligned]
    assert made.shifted is not made.aligned


def test_attention_over_the_whole_map_has_one_layout(interface, globe):
    made = SphereDiT(interface(globe), SMALL)
    assert made.shifted is made.aligned


def test_a_token_sees_the_whole_map_or_its_window(network, inputs, globe):
    x, label, scalars = inputs(globe)
    touched = x.clone()
    touched[..., 2, 3] += 1.0
    for window, sees_all in (("global", True), ((4, 4), False)):
        made = network(globe, SMALL.changed(depth=1, window=window))
        difference = (made(touched, label, scalars) - made(x, label, scalars)).abs().amax(dim=(0, 1))
        assert bool(difference[12:, 20:].max() > 1e-6) is sees_all
