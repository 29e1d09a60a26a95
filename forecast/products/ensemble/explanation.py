"""Where, and on which channels, an explained outcome hangs most."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.layout.cells import latitude_edges, longitude_edges
from forecast.products.files.cf import EARTH_RADIUS_M

SPACE = ("latitude", "longitude")
COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
RING_KM = (500.0, 1000.0, 2000.0, 4000.0, 25000.0)
"""Outer edges of rings around the place, km."""


@dataclass(frozen=True)
class Place:
    """The middle of the region whose outcome is explained.

    Attributes:
        latitude: Degrees north.
        longitude: Degrees east.
    """

    latitude: float
    longitude: float


def cell_areas(explanation: xr.Dataset) -> xr.DataArray:
    """Return the area of each grid point's cell, m2, (latitude, longitude).

    Args:
        explanation: As `plumecast.explain` returns it.
    """
    rows = np.diff(np.sin(np.deg2rad(latitude_edges(explanation["latitude"].values))))
    columns = np.diff(np.deg2rad(longitude_edges(explanation["longitude"].values)))
    return xr.DataArray(EARTH_RADIUS_M**2 * np.abs(np.outer(rows, columns)), dims=SPACE)


def squared_sensitivity(explanation: xr.Dataset, statistic: str) -> xr.DataArray:
    """Return the variance that errors of the initial and past state would bring to mean or spread of the outcome.

    The errors are the same everywhere in standard deviations of the channels, and independent from place to place:
    their variance at a grid point is inverse to the area of its cell. The scale is arbitrary.

    Args:
        explanation: As `plumecast.explain` returns it.
        statistic: `mean` or `spread`.

    Returns:
        (channel, latitude, longitude), summed over the states that the members start from.
    """
    area = cell_areas(explanation)
    each = [
        ((explanation[f"{statistic}_to_{name}"] * float(deviation)) ** 2).sum("input_time") / area
        for name, deviation in zip(
            explanation["channel"].values.tolist(), explanation["standard_deviation"].values, strict=True
        )
    ]
    return xr.concat(each, explanation["channel"]).reset_coords(drop=True)


def state_shares(explanation: xr.Dataset) -> xr.Dataset:
    """Return the shares of channels and of rings around the place in the squared sensitivity to the initial state.

    Args:
        explanation: As `plumecast.explain` returns it.

    Returns:
        `mean_share_of_channel`, `spread_share_of_channel` (channel), `mean_share_of_ring`, `spread_share_of_ring`
        (ring), with the outer edge of each ring in km as the coordinate `ring`.
    """
    distance = distances_km(explanation, place_of(explanation))
    fields = {}
    for statistic in ("mean", "spread"):
        squares = squared_sensitivity(explanation, statistic)
        whole = float(squares.sum())
        share = squares / (whole if whole > 0 else 1.0)
        defined = 1.0 if whole > 0 else np.nan
        fields[f"{statistic}_share_of_channel"] = defined * share.sum(SPACE)
        inner = np.array([0.0, *RING_KM[:-1]])
        rings = [
            share.where((distance >= low) & (distance < high)).sum() for low, high in zip(inner, RING_KM, strict=True)
        ]
        fields[f"{statistic}_share_of_ring"] = defined * xr.concat(rings, "ring")
    found = xr.Dataset(fields).assign_coords(ring=list(RING_KM))
    for name, field in found.items():
        statistic, _, _, what = str(name).split("_")
        words = (
            f"share of each {what} in the squared sensitivity of the {statistic} to the state that members start from"
        )
        field.attrs = {"long_name": words, "units": "1"}
    found["ring"].attrs = {"long_name": "outer edge of a ring around the place", "units": "km"}
    return found


def place_of(explanation: xr.Dataset) -> Place:
    """Return the middle of the outcome's weights.

    Args:
        explanation: As `plumecast.explain` returns it.
    """
    weights = explanation["outcome_weight"].values
    phi, lam = np.meshgrid(
        np.deg2rad(explanation["latitude"].values), np.deg2rad(explanation["longitude"].values), indexing="ij"
    )
    x, y, z = (
        float((weights * part).sum()) for part in (np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi))
    )
    return Place(float(np.rad2deg(np.arctan2(z, np.hypot(x, y)))), float(np.rad2deg(np.arctan2(y, x))))


def distances_km(explanation: xr.Dataset, place: Place) -> xr.DataArray:
    """Return the great-circle distance of each grid point from a place, km, (latitude, longitude).

    Args:
        explanation: As `plumecast.explain` returns it.
        place: The place.
    """
    phi, lam = np.meshgrid(
        np.deg2rad(explanation["latitude"].values), np.deg2rad(explanation["longitude"].values), indexing="ij"
    )
    there, east = np.deg2rad(place.latitude), lam - np.deg2rad(place.longitude)
    half = np.sin((phi - there) / 2) ** 2 + np.cos(phi) * np.cos(there) * np.sin(east / 2) ** 2  # haversine
    return xr.DataArray(2 * EARTH_RADIUS_M / 1000 * np.arcsin(np.sqrt(np.clip(half, 0, 1))), dims=SPACE)


def direction(place: Place, latitude: float, longitude: float) -> str:
    """Return in which of eight directions a point lies, seen from a place, along the great circle.

    Args:
        place: The place.
        latitude: Degrees north of the point.
        longitude: Degrees east of the point.
    """
    here, there = np.deg2rad(place.latitude), np.deg2rad(latitude)
    east = np.deg2rad(longitude - place.longitude)
    along = np.cos(here) * np.sin(there) - np.sin(here) * np.cos(there) * np.cos(east)
    bearing = np.rad2deg(np.arctan2(np.sin(east) * np.cos(there), along))
    return COMPASS[round(float(bearing) / 45) % len(COMPASS)]


def centre_of(explanation: xr.Dataset, statistic: str) -> tuple[float, float]:
    """Return where the squared sensitivity is largest by area, summed over channels: degrees north and east.

    Args:
        explanation: As `plumecast.explain` returns it.
        statistic: `mean` or `spread`.
    """
    density: NDArray[np.float64] = (
        squared_sensitivity(explanation, statistic).sum("channel") / cell_areas(explanation)
    ).values
    row, column = np.unravel_index(int(density.argmax()), density.shape)
    return float(explanation["latitude"][row]), float(explanation["longitude"][column])


def radius_of_half_km(explanation: xr.Dataset, statistic: str) -> float:
    """Return the distance from the place within which half of the squared sensitivity lies, km.

    Args:
        explanation: As `plumecast.explain` returns it.
        statistic: `mean` or `spread`.
    """
    distance = distances_km(explanation, place_of(explanation)).values.ravel()
    squares = squared_sensitivity(explanation, statistic).sum("channel").transpose(*SPACE).values.ravel()
    order = np.argsort(distance)
    within = np.cumsum(squares[order])
    return float(distance[order][int(np.searchsorted(within, within[-1] / 2))])
