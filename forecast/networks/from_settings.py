"""From the settings of a system file to a network."""

from forecast.networks.dit import SphereDiT
from forecast.networks.interface import Ports
from forecast.networks.unet import SphereUNet
from forecast.system.network import NetworkSettings, UNetSettings

Network = SphereUNet | SphereDiT


def build_network(ports: Ports, settings: NetworkSettings) -> Network:
    """A fresh network of the kind that the settings ask for.

    Args:
        ports: What it is joined to.
        settings: Its kind and size.

    Raises:
        ValueError: The settings do not fit the grid.
    """
    if isinstance(settings, UNetSettings):
        return SphereUNet(ports, settings)
    return SphereDiT(ports, settings)
