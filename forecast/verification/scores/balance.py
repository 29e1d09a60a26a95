"""Balance of mass and wind: geostrophic and hydrostatic."""

import numpy as np
import xarray as xr

from forecast.verification.checks import UnscorableError
from forecast.verification.scores.spectra import on_latitude_longitude
from forecast.verification.weighting import area_weights

EARTH_RADIUS_M = 6.371e6
ROTATION_PER_S = 7.292e-5
DRY_AIR_J_KG_K = 287.05
TROPICS_DEGREES = 20.0
"""Up to this latitude winds are not near geostrophic balance, and do not count."""


def geostrophic_wind(geopotential: xr.DataArray) -> xr.Dataset:
    """Geostrophic wind of a geopotential on a level of constant pressure, by centred differences.

    Args:
        geopotential: m2 s-2, on `latitude` and `longitude`, degrees, each at least 3 and ascending, and any other
            dimensions.

    Returns:
        `u` and `v`, m s-1, on the points of `geopotential`; NaN at the poles, within 20 degrees of the equator, and at
        the edges of a region, where there is no centred difference.

    Raises:
        UnscorableError: The grid has fewer than 3 latitudes or longitudes.

    Source: Holton and Hakim (2013), ISBN 978-0-12-384866-6, equation 2.23
    """
    field = on_latitude_longitude(geopotential)
    for dim in ("latitude", "longitude"):
        if field.sizes.get(dim, 0) < 3:
            raise UnscorableError(f"geopotential: expected at least 3 points along '{dim}', found {dict(field.sizes)}")
    latitude, longitude = (xr.ufuncs.deg2rad(field[name]) for name in ("latitude", "longitude"))
    away = (abs(field["latitude"]) > TROPICS_DEGREES) & (abs(field["latitude"]) < 89.999)
    coriolis = 2 * ROTATION_PER_S * xr.ufuncs.sin(latitude).where(away)
    northward = field.shift(latitude=-1) - field.shift(latitude=1)
    northward = northward / (latitude.shift(latitude=-1) - latitude.shift(latitude=1))
    step = float(longitude[1] - longitude[0])
    if np.isclose(step * longitude.size, 2 * np.pi, atol=1e-6):
        eastward = field.roll(longitude=-1) - field.roll(longitude=1)
    else:
        eastward = field.shift(longitude=-1) - field.shift(longitude=1)
        northward = northward.where(eastward.notnull())
    eastward = eastward / (2 * step * xr.ufuncs.cos(latitude))
    eastward = eastward.where(northward.notnull())
    scale = coriolis * EARTH_RADIUS_M
    wind = xr.Dataset({"u": -northward / scale, "v": eastward / scale})
    return wind.transpose(*field.dims).assign_attrs(units="m s-1")


def ageostrophic_share(geopotential: xr.DataArray, eastward: xr.DataArray, northward: xr.DataArray) -> xr.DataArray:
    """Share of the kinetic energy that the ageostrophic wind would have, off the tropics.

    Args:
        geopotential: On a level of constant pressure, m2 s-2; see `geostrophic_wind`.
        eastward: Eastward wind on the same level and grid, m s-1.
        northward: Northward wind, alike.

    Returns:
        Area mean of the square of wind less geostrophic wind, over that of the wind; 0 in geostrophic balance. On the
        dimensions of the fields less latitude and longitude.

    Raises:
        UnscorableError: No point lies off the tropics, or the grid is too small.
    """
    balanced = geostrophic_wind(geopotential)
    u, v = (on_latitude_longitude(each) for each in (eastward, northward))
    known = balanced["u"].notnull()
    if not bool(known.any()):
        raise UnscorableError(f"geostrophic balance: expected points beyond {TROPICS_DEGREES:g} degrees, found none")
    weights = area_weights(u["latitude"])
    away = ((u - balanced["u"]) ** 2 + (v - balanced["v"]) ** 2).where(known)
    total = (u**2 + v**2).where(known)
    space = ["latitude", "longitude"]
    share: xr.DataArray = away.weighted(weights).mean(space) / total.weighted(weights).mean(space)
    return share.rename("ageostrophic_share")


def layer_temperature(
    thickness: xr.DataArray, lower_pressure: xr.DataArray | float, upper_pressure: xr.DataArray | float
) -> xr.DataArray:
    """Mean virtual temperature of a layer from its thickness, by the hypsometric equation.

    Args:
        thickness: Difference of geopotential from its lower to its upper boundary, m2 s-2.
        lower_pressure: Pressure at its lower boundary, Pa; a level, or a field such as the pressure at sea level.
        upper_pressure: Pressure at its upper boundary, Pa.

    Returns:
        Kelvin, on the dimensions of `thickness`.

    Source: Holton and Hakim (2013), ISBN 978-0-12-384866-6, equation 1.30
    """
    temperature: xr.DataArray = thickness / (DRY_AIR_J_KG_K * np.log(lower_pressure / upper_pressure))
    return temperature.rename("layer_temperature").assign_attrs(units="K")
