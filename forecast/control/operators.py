"""Observation operators: what a place sees of a field, as weights of grid points, and of standardised states."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.cells import Cells
from data_catalog.layout.variables import channel
from data_catalog.statistics.axis_weights import rectilinear_weights
from forecast.control.conditions import Place
from forecast.sphere.grid import Grid
from forecast.states.standardiser import Standardiser, is_amount


def place_weights(place: Place, grid: Grid, polar_sign: int = 1, what: str = "condition") -> NDArray[np.float64]:
    """Return the weight of each grid point in the value at a place; the weights of a scalar add up to 1.

    A point is interpolated bilinearly; a box is the mean, by area, of the grid points in it.

    Args:
        place: Point or box.
        grid: The grid.
        polar_sign: -1 for components of vectors, else 1.
        what: The condition, to begin an error with.

    Returns:
        (latitude, longitude).

    Raises:
        ConfigurationError: The place is not on the grid, or a box holds no point of it.
    """
    if place.is_point:
        try:
            return _point_weights(place, tuple(grid.latitude), tuple(grid.longitude), polar_sign)
        except InvalidDataError:
            raise ConfigurationError(f"{what}: expected a point on the grid, {_extent(grid)}, found {place}") from None
    rows = (grid.latitude >= place.south) & (grid.latitude <= place.north)
    columns = (grid.longitude - place.west) % 360.0 <= place.east - place.west
    inside = rows[:, None] & columns
    if not inside.any() or not _holds(grid, place):
        raise ConfigurationError(f"{what}: expected a box with points of the grid, {_extent(grid)}, found {place}")
    areas = grid.cells.areas[:, None] * inside
    return np.asarray(areas / areas.sum())


@lru_cache(maxsize=4096)  # stations are the same from time to time
def _point_weights(
    place: Place, latitude: tuple[float, ...], longitude: tuple[float, ...], polar_sign: int
) -> NDArray[np.float64]:
    source = Cells(np.array(latitude), np.array(longitude))
    target = Cells(np.array([place.south]), np.array([place.west]))
    weights = rectilinear_weights(source, target, "bilinear", polar_sign=polar_sign)
    found = weights.toarray().reshape(len(latitude), len(longitude))
    found.setflags(write=False)
    return np.asarray(found)


def _holds(grid: Grid, place: Place) -> bool:
    """Whether a box lies within the cells of a grid."""
    cells = grid.cells
    low, high = cells.latitude_bounds.min(), cells.latitude_bounds.max()
    west, east = cells.longitude_bounds.min(), cells.longitude_bounds.max()
    across = cells.is_periodic or (place.west - west) % 360.0 + place.east - place.west <= east - west
    return bool(low <= place.south and place.north <= high and across)


def _extent(grid: Grid) -> str:
    latitude, longitude = grid.latitude, grid.longitude
    return f"{latitude[0]:g} to {latitude[-1]:g} north and {longitude[0]:g} to {longitude[-1]:g} east"


class Observer:
    """Values of several channels at several places, in SI units, of standardised states of one valid time.

    Amounts below zero, which a state that was not clipped may hold, count with the square of their size and their
    sign, so that a dry point has a gradient.

    Args:
        standardiser: That of the states.
        grid: Their grid.
        valid_time: Their valid time.
        channels: Channel of each value.
        places: Place of each value.

    Raises:
        ConfigurationError: A place is not on the grid.
    """

    def __init__(
        self,
        standardiser: Standardiser,
        grid: Grid,
        valid_time: np.datetime64,
        channels: Sequence[str],
        places: Sequence[Place],
    ) -> None:
        signs = [channel(name).variable.polar_sign for name in channels]
        each = zip(channels, places, signs, strict=True)
        weights = [place_weights(place, grid, sign, f"{name}@{place}").ravel() for name, place, sign in each]
        index = [standardiser.channels.index(name) for name in channels]
        climatology = standardiser.climatology_at(np.array([valid_time]))[0][index]
        self._weights = torch.from_numpy(np.stack(weights).astype(np.float32))
        self._index = torch.tensor(index)
        self._mean = torch.from_numpy(climatology.reshape(len(index), -1))
        self._std = torch.from_numpy(standardiser.std[index])[:, None]
        self._amounts = torch.tensor([is_amount(name) for name in channels])[:, None]

    def __call__(
        self, state: Float[Tensor, "member channel latitude longitude"]
    ) -> Float[Tensor, "member observation"]:
        """Return the values at the places; differentiable.

        Args:
            state: Standardised anomalies on the CPU.
        """
        # Departures from the climatology are summed apart from it: float32 holds both to full precision.
        departures = state.flatten(2)[:, self._index] * self._std
        fields = self._mean + departures
        linear = (departures * self._weights).sum(-1) + (self._mean * self._weights).sum(-1)
        if not self._amounts.any():
            return linear
        amounts = (fields * fields.abs() * self._weights).sum(-1)
        return torch.where(self._amounts[:, 0], amounts, linear)
