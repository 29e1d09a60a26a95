"""Divides the networks of a model into bands of latitudes, one for each process of a team."""

from torch import nn

from data_catalog.errors import ConfigurationError
from forecast.networks.convolution import MapConvolution
from forecast.networks.dit import SphereDiT
from forecast.networks.normalisation import MapNorm
from forecast.networks.unet import SphereUNet
from forecast.parallel.bands import Bands


def divide_networks(model: nn.Module, bands: Bands) -> None:
    """Let each process of a team compute one band of latitudes of all networks in a model.

    A network still takes and returns whole maps, and its weights stay as they are.

    Args:
        model: The model, the same in all processes; changed in place.
        bands: This process's band; a single one changes nothing.

    Raises:
        ConfigurationError: There are more bands than the network's coarsest map has rows, or the network is a
            transformer.
    """
    if bands.count == 1:
        return
    for network in model.modules():
        if isinstance(network, SphereDiT):
            raise ConfigurationError(
                "bands: expected a network of kind 'unet', found 'dit', which attends across bands"
            )
        if isinstance(network, SphereUNet):
            _divide(network, bands)


def _divide(network: SphereUNet, bands: Bands) -> None:
    most = network.patching.most_bands
    if bands.count > most:
        raise ConfigurationError(
            f"bands: expected at most {most}, as the network's coarsest map has few rows, found {bands.count}"
        )
    network.patching.bands = bands
    for module in network.modules():
        if isinstance(module, MapConvolution | MapNorm):
            module.bands = bands
