"""Ensemble update by observations: a serial ensemble square-root filter with localisation by distance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from forecast.sphere.grid import Grid

Array = NDArray[np.float64]
EARTH_RADIUS_KM = 6371.0


@dataclass(frozen=True)
class Observed:
    """Observations of one time, and what the members say of them.

    Attributes:
        members: The observed quantities of each member, (member, observation).
        values: Observed values, (observation,).
        errors: Their standard errors, same units, positive.
        places: Unit vectors of their places, (observation, 3).
    """

    members: Array
    values: Array
    errors: Array
    places: Array


def update_ensemble(
    states: Float[NDArray[np.float32], "member row point"],
    observed: Observed,
    points: Float[Array, "point 3"],
    half_width_km: float | None,
) -> Float[NDArray[np.float32], "member row point"]:
    """Update members by observations one after the other, the mean by the Kalman gain and departures by its root.

    Without localisation, mean and covariance of the result are those of a Kalman filter with the members' covariance.

    Args:
        states: Members; each row of points is updated together, such as a channel at a time.
        observed: Observations whose errors are independent.
        points: Unit vectors of the points.
        half_width_km: Half-width of the localisation, which is 0 at twice this distance; None for no localisation.

    Returns:
        The updated members.

    Source: Whitaker and Hamill (2002), doi:10.1175/1520-0493(2002)130<1913:EDAWPO>2.0.CO;2, equations 2-6 and 13;
        Houtekamer and Mitchell (2001) for the localisation
    """
    mean, apart = _centred(states)
    mean, apart = mean.T.copy(), apart.transpose(2, 0, 1).copy()  # points first: those near a place lie together
    seen_mean, seen_apart = _centred(observed.members)
    for place in np.unique(observed.places, axis=0):
        near, taper = _near(points, place, half_width_km)
        others, of_others = _near(observed.places, place, half_width_km)
        local_mean, local_apart = mean[near], apart[near]
        for number in np.flatnonzero((observed.places == place).all(1)):
            own = seen_apart[:, number].astype(np.float64)
            update = _ScalarUpdate.of(own, float(observed.errors[number]))
            departure = float(observed.values[number] - seen_mean[number])
            update.apply(local_mean, local_apart, taper, departure)
            seen = seen_apart[:, others].T[:, :, None].copy()
            seen_level = seen_mean[others][:, None]
            update.apply(seen_level, seen, of_others, departure)
            seen_mean[others], seen_apart[:, others] = seen_level[:, 0], seen[:, :, 0].T
        mean[near], apart[near] = local_mean, local_apart
    return np.asarray((mean[:, None] + apart).transpose(1, 2, 0))


@dataclass(frozen=True)
class _ScalarUpdate:
    """The update by one observation.

    Attributes:
        own: Departures of what the members say of it, (member,).
        scaled: The same over (members - 1) times the total variance: the gain is their product with departures.
        root: Factor on the gain for departures from the mean.
    """

    own: Array
    scaled: Array
    root: float

    @classmethod
    def of(cls, own: Array, error: float) -> "_ScalarUpdate":
        total = float(own @ own) / (len(own) - 1) + error**2
        return cls(own, own / (len(own) - 1) / total, 1.0 / (1.0 + error / total**0.5))

    def apply(
        self, mean: NDArray[np.floating], apart: NDArray[np.floating], taper: NDArray[np.float32], departure: float
    ) -> None:
        """Update means (point, row) and departures (point, member, row) in place."""
        gain = np.matmul(self.scaled.astype(apart.dtype), apart) * taper[:, None]
        mean += gain * departure
        apart -= (self.root * self.own).astype(apart.dtype)[None, :, None] * gain[:, None, :]


def relaxed(
    updated: Float[NDArray[np.float32], "member row point"],
    background: Float[NDArray[np.float32], "member row point"],
    relaxation: float,
) -> Float[NDArray[np.float32], "member row point"]:
    """Return updated members whose spread is drawn back towards that of the background.

    Args:
        updated: From `update_ensemble`.
        background: The members before it.
        relaxation: 0 keeps the updated spread, 1 restores that of the background; more inflates it.

    Source: Whitaker and Hamill (2012), doi:10.1175/MWR-D-11-00276.1, equation 2 (relaxation to prior spread)
    """
    mean, apart = _centred(updated)
    before, after = background.std(0, ddof=1), updated.std(0, ddof=1)
    factor = 1.0 + relaxation * (before - after) / np.maximum(after, np.finfo(np.float32).tiny)
    return np.asarray(mean + apart * factor)


def gaspari_cohn(distance: Array, half_width: float) -> Array:
    """Return the fifth-order piecewise rational function of Gaspari and Cohn: 1 at 0, 0 from two half-widths on.

    Args:
        distance: Distances, at least 0, in the unit of `half_width`.
        half_width: Half of the distance at which the function becomes 0.

    Source: Gaspari and Cohn (1999), doi:10.1002/qj.49712555417, equation 4.10
    """
    z = np.asarray(distance, dtype=np.float64) / half_width
    near = 1 - 5 / 3 * z**2 + 5 / 8 * z**3 + z**4 / 2 - z**5 / 4
    safe = np.maximum(z, 1.0)
    far = 4 - 5 * z + 5 / 3 * z**2 + 5 / 8 * z**3 - z**4 / 2 + z**5 / 12 - 2 / (3 * safe)
    return np.where(z <= 1, near, np.where(z < 2, far, 0.0))


def unit_vectors(latitude: Sequence[float] | Array, longitude: Sequence[float] | Array) -> Array:
    """Return places on the sphere as unit vectors, (place, 3).

    Args:
        latitude: Degrees north, (place,).
        longitude: Degrees east, (place,).
    """
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def grid_points(grid: Grid) -> Array:
    """Return the points of a grid as unit vectors, (point, 3), row by row.

    Args:
        grid: The grid.
    """
    latitude, longitude = np.meshgrid(grid.latitude, grid.longitude, indexing="ij")
    return unit_vectors(latitude.ravel(), longitude.ravel())


def _centred(members: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    mean = members.mean(0)
    return mean, members - mean


def _near(points: Array, place: Array, half_width_km: float | None) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Points that a place bears upon, and how much."""
    if half_width_km is None:
        return np.arange(len(points)), np.ones(len(points), dtype=np.float32)
    cosine = points @ place
    near = np.flatnonzero(cosine > np.cos(min(np.pi, 2 * half_width_km / EARTH_RADIUS_KM)))
    distance = EARTH_RADIUS_KM * np.arccos(np.clip(cosine[near], -1.0, 1.0))
    return near, gaspari_cohn(distance, half_width_km).astype(np.float32)
