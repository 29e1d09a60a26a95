"""Every kind of network respects the topology of the sphere, on any grid, with one signature."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from forecast.networks.from_settings import build_network
from forecast.sphere.grid import Grid


@pytest.mark.parametrize("patch", [1, 2])
def test_output_has_the_grid_of_the_input(network, inputs, settings, grid, patch):
    made = network(grid, settings.changed(patch=patch))
    out = made(*inputs(grid, batch=2))
    assert out.shape == (2, 2, *grid.shape)
    out.square().mean().backward()
    assert out.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in made.parameters())


def test_turning_the_globe_turns_the_output(network, inputs, settings, any_globe):
    made = network(any_globe, settings)
    x, label, scalars = inputs(any_globe)
    turned = made(x.roll(8, -1), label, scalars)
    torch.testing.assert_close(turned, made(x, label, scalars).roll(8, -1), atol=1e-4, rtol=1e-4)


def test_a_region_has_edges(network, inputs, settings, region):
    made = network(region, settings)
    x, label, scalars = inputs(region)
    turned = made(x.roll(8, -1), label, scalars)
    assert (turned - made(x, label, scalars).roll(8, -1)).abs().max() > 0.01


def test_values_across_the_pole_matter(network, inputs, settings, globe):
    made = network(globe, settings)
    x, label, scalars = inputs(globe)
    changed = x.clone()
    changed[..., -1, 20] += 1.0  # northernmost row; its neighbour across the pole is 16 columns away
    difference = (made(changed, label, scalars) - made(x, label, scalars)).abs().sum(dim=(0, 1))
    assert difference[-1, 4] > 1e-4


def test_a_new_network_returns_zero(interface, inputs, settings, globe):
    made = build_network(interface(globe), settings)
    expected = made.exit.convolution.bias
    patches = torch.nn.functional.pixel_unshuffle(made(*inputs(globe)), 2)
    torch.testing.assert_close(patches, expected[None, :, None, None].expand_as(patches))


def test_noise_level_and_scalars_matter(network, inputs, settings, globe):
    made = network(globe, settings)
    x, label, scalars = inputs(globe)
    for other in (made(x, label + 1, scalars), made(x, label, scalars + 1)):
        assert (other - made(x, label, scalars)).abs().max() > 1e-3


def test_lower_precision_changes_little(network, inputs, settings, globe):
    made = network(globe, settings)
    exact = made(*inputs(globe))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lower = made(*inputs(globe)).float()
    assert (lower - exact).square().mean().sqrt() < 0.05 * exact.square().mean().sqrt()


def test_it_can_be_built_without_memory_to_count_its_work(settings, globe, interface):
    with torch.device("meta"):
        made = build_network(interface(globe), settings).to("meta")
        with FlopCounterMode(display=False) as counter:
            out = made(torch.zeros(1, 3, *globe.shape), torch.zeros(1), torch.zeros(1, 1))
    assert out.shape == (1, 2, *globe.shape)
    assert counter.get_total_flops() > 1e5


def test_longitudes_that_do_not_divide_are_refused(network, settings, globe):
    odd = Grid(globe.latitude, np.arange(30) * 12.0)
    with pytest.raises(ValueError, match="expected longitudes divisible by"):
        network(odd, settings.changed(patch=4))
