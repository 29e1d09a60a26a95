"""TODO: forecast/states/mirror.py."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from data_catalog.layout.variables import channel
from forecast.states.conditions import SCALARS


def mirror_signs(channels: Sequence[str]) -> Float[Tensor, " channel"]:
    """-1 for channels that change sign in a mirror at the equator (components of vectors to the north), else +1."""
    northward = (channel(name).variable.standard_name == "northward_wind" for name in channels)
    return torch.tensor([-1.0 if turned else 1.0 for turned in northward])


def in_mirror(
    maps: Float[Tensor, "batch map latitude longitude"],
    signs: Float[Tensor, "map 1 1"],
    mirrored: Bool[Tensor, " batch"],
) -> Float[Tensor, "batch map latitude longitude"]:
    """The maps of some samples as a mirror at the equator shows them.

    The equations of motion hold there too: the air turns the other way round on the other side, and winds to the north
    blow to the south.

    Args:
        maps: On latitudes that are as far north as south.
        signs: -1 for components of vectors to the north, else +1.
        mirrored: Which samples.
    """
    return torch.where(mirrored[:, None, None, None], maps.flip(-2) * signs, maps)


def half_a_year_on(
    scalars: Float[Tensor, "batch scalar"], mirrored: Bool[Tensor, " batch"]
) -> Float[Tensor, "batch scalar"]:
    """The scalars of some samples half a year later, when the other hemisphere has their season."""
    signs = scalars.new_tensor([-1.0, -1.0] + [1.0] * (SCALARS - 2))
    return torch.where(mirrored[:, None], scalars * signs, scalars)
