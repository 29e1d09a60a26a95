"""Every kind of network has the same interface, for any number of inputs, outputs and scalars."""

import pytest
import torch

from forecast.networks.from_settings import build_network
from forecast.networks.interface import NetworkInterface


@pytest.mark.parametrize(("inputs", "outputs", "scalars"), [(1, 1, 1), (5, 2, 7)])
def test_shapes_are_those_of_the_interface(settings, globe, inputs, outputs, scalars):
    interface = NetworkInterface(grid=globe, polar_sign=torch.ones(inputs), outputs=outputs, scalars=scalars)
    made = build_network(interface, settings)
    found = made(torch.randn(2, inputs, *globe.shape), torch.zeros(2), torch.zeros(2, scalars))
    assert found.shape == (2, outputs, *globe.shape)
