"""Turns the fields of SPEEDY on its own levels and grid into those of the dataset: on pressure levels, at sea level.

The same rules made the years of `speedy-5p6`. Source: Kucharski et al. (2013), doi:10.1175/BAMS-D-11-00238.1; the
extrapolation below ground follows Trenberth, Berry and Buja (1993), doi:10.5065/D6HX19NH
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.bundled import SPEEDY_MSL_CORRECTION
from data_catalog.statistics.regridding import regrid

Fields = Mapping[str, NDArray[np.floating]]
CHANNELS = ("z500", "t850", "u850", "v850", "u250", "v250", "q850", "msl", "t2m", "tp24")
STATIC = ("orography", "lsm")
LATITUDE, LONGITUDE = np.linspace(-87.1875, 87.1875, 32), np.linspace(0.0, 354.375, 64)
_GRAVITY, _STANDARD_GRAVITY, _GAS_CONSTANT, _LAPSE_K_M = 9.81, 9.80665, 287.0, 0.0065
_TIMED = ("time", "longitude", "latitude")


def analysis_of(fields: Fields, times: NDArray[np.datetime64]) -> xr.Dataset:
    """Return the analyses of a piece of a simulation on the 32x64 grid of the dataset.

    Args:
        fields: As the simulator writes them, dims (time[, level], longitude, latitude), levels from the top.
        times: Of the fields, UTC.

    Returns:
        Channels with dims (time, latitude, longitude), and static ones; the constant correction of msl is added.
    """
    on_levels = _on_levels(fields)
    coords = {"time": times, "latitude": fields["latitude"], "longitude": fields["longitude"]}
    constant = {"orography": fields["surface_geopotential"] / _GRAVITY, "lsm": fields["land"]}
    native = xr.Dataset(
        {name: (_TIMED, values.astype(np.float32)) for name, values in on_levels.items()}
        | {name: (_TIMED[1:], values.astype(np.float32)) for name, values in constant.items()},
        coords,
    ).transpose("time", "latitude", "longitude")
    found = regrid(native, LATITUDE, LONGITUDE, "conservative", where="speedy")
    found["msl"] = found["msl"] + np.load(SPEEDY_MSL_CORRECTION)
    return found[[*CHANNELS, *STATIC]]


def _on_levels(fields: Fields) -> dict[str, NDArray[np.floating]]:
    """Fields of the dataset on the model's own columns."""
    pressure, temperature = fields["surface_pressure"], fields["temperature"]
    log_pressure = np.log(pressure)[:, None] + np.log(fields["sigma"])[None, :, None, None]
    found = {
        f"{name}{level}": _at_level(fields[name], log_pressure, level) for name in ("u", "v") for level in (850, 250)
    }
    return found | {
        "z500": _height(fields["geopotential"], temperature, log_pressure, 500) * _STANDARD_GRAVITY,
        "t850": _temperature(temperature, log_pressure, 850),
        "q850": _at_level(fields["humidity"], log_pressure, 850),
        "msl": _at_sea_level(pressure, temperature, fields),
        "t2m": fields["t2m"],
        "tp24": fields["rain_24h"],
    }


def _at_level(field: NDArray[np.floating], log_pressure: NDArray[np.floating], level_hpa: int) -> NDArray[np.floating]:
    """Interpolate linearly in the logarithm of pressure; below the lowest level values stay as they are there."""
    wanted, found = np.log(level_hpa * 100.0), np.array(field[:, -1])
    for upper, lower in zip(range(field.shape[1] - 1), range(1, field.shape[1]), strict=True):
        between, share = _between(log_pressure, upper, lower, wanted)
        found = np.where(between, field[:, upper] * (1 - share) + field[:, lower] * share, found)
    return found


def _between(
    log_pressure: NDArray[np.floating], upper: int, lower: int, wanted: float
) -> tuple[NDArray[np.bool_], NDArray[np.floating]]:
    """Where a level lies between two of the model, and the weight of the lower one."""
    above, below = log_pressure[:, upper], log_pressure[:, lower]
    return (above <= wanted) & (wanted <= below), (wanted - above) / (below - above)


def _temperature(
    temperature: NDArray[np.floating], log_pressure: NDArray[np.floating], level_hpa: int
) -> NDArray[np.floating]:
    """Temperature at a level, extended by 6.5 K/km below the lowest one."""
    below = np.log(level_hpa * 100.0) - log_pressure[:, -1]
    extended = temperature[:, -1] * np.exp(below * _GAS_CONSTANT * _LAPSE_K_M / _GRAVITY)
    return np.where(below > 0, extended, _at_level(temperature, log_pressure, level_hpa))


def _height(
    geopotential: NDArray[np.floating],
    temperature: NDArray[np.floating],
    log_pressure: NDArray[np.floating],
    level_hpa: int,
) -> NDArray[np.floating]:
    """Height of a level by the hypsometric equation, with temperature linear in the logarithm of pressure."""
    wanted = np.log(level_hpa * 100.0)
    found = np.zeros_like(geopotential[:, 0])
    for upper, lower in zip(range(geopotential.shape[1] - 1), range(1, geopotential.shape[1]), strict=True):
        between, share = _between(log_pressure, upper, lower, wanted)
        straight = geopotential[:, upper] * (1 - share) + geopotential[:, lower] * share
        bend = 0.5 * _GAS_CONSTANT * (temperature[:, lower] - temperature[:, upper]) * share * (1 - share)
        depth = log_pressure[:, lower] - log_pressure[:, upper]
        found = np.where(between, straight + bend * depth, found)
    below = wanted - log_pressure[:, -1]
    drop = temperature[:, -1] / _LAPSE_K_M * (1 - np.exp(below * _GAS_CONSTANT * _LAPSE_K_M / _GRAVITY))
    return np.where(below > 0, geopotential[:, -1] / _GRAVITY + drop, found / _GRAVITY)


def _at_sea_level(
    pressure: NDArray[np.floating], temperature: NDArray[np.floating], fields: Fields
) -> NDArray[np.floating]:
    """Pressure at sea level, from the lowest level by 6.5 K/km."""
    exponent = _GAS_CONSTANT * _LAPSE_K_M / _GRAVITY
    at_ground = temperature[:, -1] * np.exp(-np.log(fields["sigma"][-1]) * exponent)
    height = fields["surface_geopotential"] / _GRAVITY
    found: NDArray[np.floating] = pressure * (1 + _LAPSE_K_M * height[None] / at_ground) ** (1 / exponent)
    return found
