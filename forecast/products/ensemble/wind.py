"""Wind speed and direction of the members, and how cold or warm it feels.

Take them of each member before averaging: the mean of the members' speeds is larger than the speed of their mean wind.
"""

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.products.ensemble.arguments import on_points

ZERO_CELSIUS_K = 273.15
KM_H_OF_M_S = 3.6
WARMEST_CHILL_C = 10.0
"""Temperature above which there is no wind chill."""
WEAKEST_CHILL_KM_H = 4.8
"""Wind speed, about a walk, that the wind chill is defined from."""


def wind_speed(u: xr.DataArray, v: xr.DataArray) -> xr.DataArray:
    """Wind speed from its components.

    Args:
        u: Eastward wind, m s-1, on any dimensions; NumPy or Dask inside.
        v: Northward wind, m s-1, on the dimensions of `u`.

    Returns:
        Speed, m s-1, on the dimensions of `u`; NaN where a component is missing.

    Raises:
        InvalidDataError: The components do not fit together, or have another unit.
    """
    u = _in_unit("u", u, "m s-1")
    v = _in_unit("v", v, "m s-1", u)
    speed: xr.DataArray = xr.apply_ufunc(np.hypot, u, v, dask="allowed")
    return _named(speed, "wind_speed", "m s-1")


def wind_direction(u: xr.DataArray, v: xr.DataArray) -> xr.DataArray:
    """Direction that the wind blows from, clockwise from north.

    Args:
        u: Eastward wind, m s-1, on any dimensions; NumPy or Dask inside.
        v: Northward wind, m s-1, on the dimensions of `u`.

    Returns:
        Direction, degrees from 0 to below 360, on the dimensions of `u`: 0 from the north, 90 from the east; NaN where
        it is calm or a component is missing.

    Raises:
        InvalidDataError: The components do not fit together, or have another unit.
    """
    u = _in_unit("u", u, "m s-1")
    v = _in_unit("v", v, "m s-1", u)
    degrees: xr.DataArray = np.rad2deg(xr.apply_ufunc(np.arctan2, -u, -v, dask="allowed")) % 360
    found = degrees.where(degrees < 360, 0.0)  # a small negative angle is rounded up to 360
    return _named(found.where(((u != 0) | (v != 0)) & degrees.notnull()), "wind_from_direction", "degree")


def wind_chill(temperature: xr.DataArray, speed: xr.DataArray) -> xr.DataArray:
    """Wind chill: the temperature at which still air would cool a face as much.

    With the temperature T in Celsius and the speed V in km/h:

        13.12 + 0.6215 T - 11.37 V^0.16 + 0.3965 T V^0.16

    Args:
        temperature: Air temperature at 2 m, K, on any dimensions; NumPy or Dask inside.
        speed: Wind speed at 10 m, m s-1, on the dimensions of `temperature`; see `wind_speed`.

    Returns:
        Wind chill, K, on the dimensions of `temperature`; the temperature itself above 10 degrees Celsius or where the
        wind is weaker than 4.8 km/h, for which it is not defined. NaN where a value is missing.

    Raises:
        InvalidDataError: The fields do not fit together, or have another unit.

    Source: Osczevski and Bluestein (2005), doi:10.1175/BAMS-86-10-1453
    """
    temperature = _in_unit("temperature", temperature, "K")
    speed = _in_unit("speed", speed, "m s-1", temperature)
    celsius, power = temperature - ZERO_CELSIUS_K, (speed * KM_H_OF_M_S) ** 0.16
    chill = 13.12 + 0.6215 * celsius - 11.37 * power + 0.3965 * celsius * power + ZERO_CELSIUS_K
    defined = (celsius <= WARMEST_CHILL_C) & (speed * KM_H_OF_M_S >= WEAKEST_CHILL_KM_H)
    found = chill.where(defined, temperature).where(speed.notnull())
    return _named(found, "wind_chill_of_air_temperature", "K")


def apparent_temperature(temperature: xr.DataArray, dewpoint: xr.DataArray, speed: xr.DataArray) -> xr.DataArray:
    """Apparent temperature in the shade: how warm it feels with the air's moisture and the wind.

    With the temperature T in Celsius, the vapour pressure e in hPa and the wind speed V in m s-1:

        T + 0.33 e - 0.70 V - 4.00,  e = 6.105 exp(17.27 T_d / (237.7 + T_d)) at the dewpoint T_d in Celsius

    Args:
        temperature: Air temperature at 2 m, K, on any dimensions; NumPy or Dask inside.
        dewpoint: Dewpoint at 2 m, K, on the dimensions of `temperature`.
        speed: Wind speed at 10 m, m s-1, on the dimensions of `temperature`; see `wind_speed`.

    Returns:
        Apparent temperature, K, on the dimensions of `temperature`; NaN where a value is missing.

    Raises:
        InvalidDataError: The fields do not fit together, or have another unit.

    Source: Steadman (1994), Aust. Met. Mag. 43, 1-16, as the Australian Bureau of Meteorology applies it
    """
    temperature = _in_unit("temperature", temperature, "K")
    dewpoint = _in_unit("dewpoint", dewpoint, "K", temperature)
    speed = _in_unit("speed", speed, "m s-1", temperature)
    moisture = dewpoint - ZERO_CELSIUS_K
    vapour_pressure_hpa = 6.105 * np.exp(17.27 * moisture / (237.7 + moisture))
    found = temperature + 0.33 * vapour_pressure_hpa - 0.70 * speed - 4.00
    return _named(found, "apparent_air_temperature", "K")


def _in_unit(role: str, field: xr.DataArray, unit: str, points: xr.DataArray | None = None) -> xr.DataArray:
    """A field in a unit, which one that states none is taken to be in, on the coordinates of the points."""
    if field.attrs.get("units", unit) != unit:
        raise InvalidDataError(f"{role}: expected unit '{unit}', found '{field.attrs['units']}'")
    return field if points is None else on_points(role, field.drop_attrs(deep=False), points)


def _named(field: xr.DataArray, standard_name: str, unit: str) -> xr.DataArray:
    field.attrs = {"standard_name": standard_name, "long_name": standard_name.replace("_", " "), "units": unit}
    return field.rename(None)
