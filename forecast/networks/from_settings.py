"""Build the network that a system file asks for."""

from forecast.networks.dit import SphereDiT
from forecast.networks.interface import NetworkInterface
from forecast.networks.unet import SphereUNet
from forecast.system.network import NetworkSettings, UNetSettings

Network = SphereUNet | SphereDiT


def build_network(interface: NetworkInterface, settings: NetworkSettings) -> Network:
    """Return a network with fresh random weights.

    Args:
        interface: Inputs and outputs of the network.
        settings: Kind and size of the network.

    Raises:
        ValueError: The settings do not fit the grid; names the setting.
    """
    if isinstance(settings, UNetSettings):
        return SphereUNet(interface, settings)
    return SphereDiT(interface, settings)
