"""Maps of any size are cut into whole patches, and round-trip."""

import numpy as np
import pytest
import torch

from forecast.networks.patches import Extension, Patching
from forecast.sphere.grid import Grid, Topology


@pytest.mark.parametrize("patch", [1, 2, 4])
@pytest.mark.parametrize("halvings", [0, 1])
def test_maps_round_trip(grid, patch, halvings):
    patching = Patching(grid.shape, grid.topology(), patch=patch, halvings=halvings)
    maps = torch.randn(2, 3, *grid.shape)
    cut = patching.cut(maps, torch.ones(3, 1, 1))
    assert cut.shape[1] == 3 * patch**2
    assert all(size % 2**halvings == 0 for size in cut.shape[2:])
    torch.testing.assert_close(patching.join(cut), maps, rtol=0, atol=0)


def test_a_map_of_whole_patches_is_not_extended():
    extension = Extension.to_whole_patches((8, 16), 4, Topology(True, "between_points"))
    assert extension.is_empty()
    maps = torch.randn(1, 1, 8, 16)
    assert torch.equal(extension.apply(maps, Topology(True, "between_points"), torch.ones(1, 1, 1)), maps)


def test_points_on_the_poles_get_rows_beyond_both():
    extension = Extension.to_whole_patches((17, 32), 4, Topology(True, "on_point"))
    assert (extension.south, extension.north, extension.east) == (1, 2, 0)


def test_a_region_repeats_its_edges():
    topology = Topology(False, "none")
    extension = Extension.to_whole_patches((3, 5), 4, topology)
    extended = extension.apply(torch.arange(15.0).reshape(1, 1, 3, 5), topology, torch.ones(1, 1, 1))[0, 0]
    assert extended.shape == (4, 8)
    assert extended[3].tolist() == extended[2].tolist()
    assert extended[0].tolist() == [0, 1, 2, 3, 4, 4, 4, 4]


def test_an_extended_globe_has_open_poles():
    whole = Patching((8, 16), Topology(True, "between_points"), patch=2)
    extended = Patching((9, 16), Topology(True, "on_point"), patch=2)
    assert (whole.inner.pole, extended.inner.pole) == ("between_points", "none")
    assert extended.inner.periodic


def test_longitudes_of_a_globe_must_fill_patches():
    globe = Grid(np.linspace(-78.75, 78.75, 8), np.arange(20) * 18.0)
    with pytest.raises(ValueError, match="patch: expected longitudes divisible by 8, found 20"):
        Patching(globe.shape, globe.topology(), patch=4)
