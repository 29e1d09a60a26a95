"""A network is divided into as many bands as its coarsest map has rows for; `parallel/test_bands.py` computes them."""

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.networks.convolution import MapConvolution
from forecast.networks.division import divide_networks
from forecast.networks.normalisation import MapNorm
from forecast.parallel.bands import WHOLE, Bands
from forecast.sphere.grid import Grid
from forecast.system.network import UNetSettings

SETTINGS = UNetSettings(patch=1, widths=(8, 8, 8), blocks=1)


def bands_of(network):
    return {part.bands for part in network.modules() if isinstance(part, MapConvolution | MapNorm)}


def test_every_part_that_looks_beyond_its_rows_gets_the_band(network, globe):
    made, band = network(globe, SETTINGS), Bands(1, 4)
    divide_networks(made, WHOLE)
    assert bands_of(made) == {WHOLE}
    divide_networks(made, band)
    assert bands_of(made) == {band}
    assert made.patching.bands is band


def test_more_bands_than_coarse_rows_are_refused(network, globe):
    with pytest.raises(ConfigurationError, match="bands: expected at most 4, as the network's coarsest map has few"):
        divide_networks(network(globe, SETTINGS), Bands(0, 5))


def test_a_band_that_touches_a_pole_has_the_row_next_to_it_too(network):
    nine_rows = Grid(np.linspace(-90, 90, 9), np.arange(8) * 45.0)
    with pytest.raises(ConfigurationError, match=r"bands: expected at most 4, .*, found 5"):
        divide_networks(network(nine_rows, UNetSettings(widths=(8,))), Bands(0, 5))


def test_a_transformer_is_refused(network, globe, settings):
    made = network(globe, settings)
    divide_networks(made, WHOLE)
    if settings.kind == "dit":
        with pytest.raises(ConfigurationError, match="bands: expected a network of kind 'unet', found 'dit'"):
            divide_networks(made, Bands(0, 2))
    else:
        divide_networks(made, Bands(0, 2))
