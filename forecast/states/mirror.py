"""Reflection of states at the equator, which turns a weather state into another possible one, half a year later.

The equations of motion keep their form if the globe is reflected at the equator and northward winds change sign: the
Coriolis force changes sign with latitude. The season of the reflected state is that of half a year later.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from data_catalog.layout.variables import channel
from forecast.states.conditions import SCALARS


def mirror_signs(channels: Sequence[str]) -> Float[Tensor, " channel"]:
    """Return -1 for channels that change sign in a reflection at the equator, which are northward winds, else +1.

    Args:
        channels: Channel names, such as `v850`.
    """
    northward = (channel(name).variable.standard_name == "northward_wind" for name in channels)
    return torch.tensor([-1.0 if changes else 1.0 for changes in northward])


def reflect_maps(
    maps: Float[Tensor, "batch map latitude longitude"],
    signs: Float[Tensor, "map 1 1"],
    mirrored: Bool[Tensor, " batch"],
) -> Float[Tensor, "batch map latitude longitude"]:
    """Reflect the maps of some samples at the equator.

    Args:
        maps: Maps on latitudes that are symmetric about the equator.
        signs: -1 for maps of northward components of vectors, +1 for the others.
        mirrored: Which samples to reflect.
    """
    return torch.where(mirrored[:, None, None, None], maps.flip(-2) * signs, maps)


def shift_half_a_year(
    scalars: Float[Tensor, "batch scalar"], mirrored: Bool[Tensor, " batch"]
) -> Float[Tensor, "batch scalar"]:
    """Move the season of some samples on by half a year.

    Args:
        scalars: Scalar conditions, from `step_scalars`.
        mirrored: Which samples to shift.
    """
    # The first annual harmonic changes sign in half a year; the second one, the hour and the step's length do not.
    signs = scalars.new_tensor([-1.0, -1.0] + [1.0] * (SCALARS - 2))
    return torch.where(mirrored[:, None], scalars * signs, scalars)
