"""The network sees the sphere as it is, and any grid whole."""

import numpy as np
import pytest
import torch

from forecast.grid import Grid, Topology
from forecast.networks.unet import UNet


def network(shape, topology, *, patch=2, widths=(8, 16)):
    torch.manual_seed(0)
    unet = UNet(
        polar_sign=torch.tensor([1.0, -1.0, 1.0]),
        outputs=2,
        scalars=1,
        shape=shape,
        topology=topology,
        patch=patch,
        widths=widths,
        blocks=1,
    )
    for parameter in unet.parameters():  # the exit starts at zero; make it say something
        torch.nn.init.normal_(parameter, std=0.2)
    return unet.eval()


@pytest.mark.parametrize(
    ("latitude", "longitude", "patch", "widths"),
    [
        (np.linspace(-84.375, 84.375, 16), np.arange(32) * 11.25, 2, (8, 16)),
        (np.linspace(-90, 90, 17), np.arange(32) * 11.25, 2, (8, 16)),
        (np.linspace(-90, 90, 17), np.arange(32) * 11.25, 1, (8,)),
        (np.linspace(30, 70, 17), np.linspace(-70, 10, 33), 1, (8, 16)),
        (np.linspace(30, 70, 5), np.linspace(-70, 10, 7), 2, (8, 16)),
    ],
)
def test_output_has_the_grid_of_the_input(latitude, longitude, patch, widths):
    grid = Grid(latitude, longitude)
    unet = network(grid.shape, grid.topology(), patch=patch, widths=widths)
    out = unet(torch.randn(2, 3, *grid.shape), torch.zeros(2), torch.zeros(2, 1))
    assert out.shape == (2, 2, *grid.shape)
    assert out.isfinite().all()


def test_turning_the_globe_turns_the_output():
    topology = Topology(True, "between_points")
    unet = network((16, 32), topology)
    x, label, scalars = torch.randn(1, 3, 16, 32), torch.zeros(1), torch.zeros(1, 1)
    turned = unet(x.roll(8, -1), label, scalars)
    torch.testing.assert_close(turned, unet(x, label, scalars).roll(8, -1), atol=1e-4, rtol=1e-4)


def test_a_region_has_edges():
    unet = network((16, 32), Topology(False, "none"))
    x, label, scalars = torch.randn(1, 3, 16, 32), torch.zeros(1), torch.zeros(1, 1)
    turned = unet(x.roll(8, -1), label, scalars)
    assert (turned - unet(x, label, scalars).roll(8, -1)).abs().max() > 0.01


def test_what_lies_beyond_the_pole_matters():
    unet = network((16, 32), Topology(True, "between_points"))
    x, label, scalars = torch.randn(1, 3, 16, 32), torch.zeros(1), torch.zeros(1, 1)
    changed = x.clone()
    changed[..., -1, 20] += 1.0  # northernmost row; its neighbour across the pole is 16 columns away
    difference = (unet(changed, label, scalars) - unet(x, label, scalars)).abs().sum(dim=(0, 1))
    assert difference[-1, 4] > 1e-4


def test_longitudes_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="longitudes divisible by 4, found 30"):
        network((16, 30), Topology(True, "between_points"))
