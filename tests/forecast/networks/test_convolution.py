"""A convolution keeps the size of the map and continues across its edges."""

import torch

from forecast.networks.convolution import MapConvolution, hidden_polar_sign
from forecast.sphere.grid import Topology


def test_a_quarter_of_the_hidden_channels_is_odd():
    assert hidden_polar_sign(8).flatten().tolist() == [1] * 6 + [-1] * 2
    assert hidden_polar_sign(3).flatten().tolist() == [1] * 3


def averaging(polar_sign):
    made = MapConvolution(1, 1, Topology(True, "between_points"), polar_sign)
    with torch.no_grad():
        made.convolution.weight.fill_(1 / 9)
        made.convolution.bias.zero_()
    return made


def test_the_mean_of_a_constant_is_the_constant_on_a_globe_and_a_region():
    constant = torch.full((2, 1, 6, 8), 3.0)
    torch.testing.assert_close(averaging(None)(constant), constant)
    region = MapConvolution(1, 1, Topology(False, "none"))
    region.load_state_dict(averaging(None).state_dict())
    torch.testing.assert_close(region(constant), constant)


def test_a_vector_s_component_changes_sign_across_the_pole():
    """In the row beside a pole, a third of the values come from across it."""
    found = averaging(-torch.ones(1, 1, 1))(torch.full((1, 1, 6, 8), 3.0))
    torch.testing.assert_close(found[0, 0, [0, 1, -1], 0], torch.tensor([1.0, 3.0, 1.0]))


def test_values_across_the_date_line_are_used():
    field = torch.zeros(1, 1, 6, 8)
    field[0, 0, 3, 0] = 9.0
    found = averaging(None)(field)[0, 0, 3]
    torch.testing.assert_close(found, torch.tensor([1.0, 1.0, 0, 0, 0, 0, 0, 1.0]))
