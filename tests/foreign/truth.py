"""The one truth behind every foreign layout: an analysis, an ensemble and the scores that their definitions give.

Values are multiples of a quantum, so that packed integers, single precision and other units hold them exactly enough:
whatever the layout, the right scores are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import xarray as xr

STARTS = np.array(["2008-01-03T05", "2008-01-04T17"], "datetime64[ns]")
LEADS = np.array([12, 24, 48], "timedelta64[h]").astype("timedelta64[ns]")
MEMBERS = 4
ANALYSIS_TIMES = np.arange("2008-01-02T17", "2008-01-08", np.timedelta64(12, "h"), dtype="datetime64[h]").astype(
    "datetime64[ns]"
)
GRIDS = {
    "globe": (np.linspace(-75.0, 75.0, 6), np.arange(8) * 45.0),
    "gauss": (np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(6)[0])), np.arange(8) * 45.0),
    "region": (50.1 + 0.3 * np.arange(5), -1.1 + 0.3 * np.arange(7)),
}
CHANNELS = {
    # name: (mean, amplitude, spread, quantum), in SI units
    "t2m": (280.0, 15.0, 2.0, 1 / 64),
    "msl": (101000.0, 1500.0, 300.0, 1.0),
    "u10": (2.0, 8.0, 3.0, 1 / 64),
    "sst": (288.0, 8.0, 1.0, 1 / 64),
    "tp24": (0.0, 0.0, 3.0, 1 / 16),
    "z500": (55000.0, 2500.0, 400.0, 4.0),
    "z850": (14200.0, 900.0, 200.0, 4.0),
    "t500": (255.0, 10.0, 2.0, 1 / 64),
    "t850": (275.0, 12.0, 2.0, 1 / 64),
    "q700": (0.00390625, 0.002, 0.0005, 2.0**-20),
}
DIMS = ("init_time", "member", "lead_time", "latitude", "longitude")


@dataclass(frozen=True)
class Expected:
    """What `plumecast verify` must find.

    Attributes:
        scores: By channel, score and lead time in hours; a score of None is undefined.
        starts: Number of starts.
        members: Size of the ensemble.
    """

    scores: dict[str, dict[str, dict[str, float | None]]]
    starts: int
    members: int


@cache
def analysis(grid: str) -> xr.Dataset:
    """Every channel at every analysis time, dims (time, latitude, longitude), float64, SI units."""
    latitude, longitude = GRIDS[grid]
    generator = np.random.default_rng([8, len(latitude)])
    shape = (len(ANALYSIS_TIMES), len(latitude), len(longitude))
    fields = {}
    for name, (mean, amplitude, _, quantum) in CHANNELS.items():
        pattern = np.cos(np.deg2rad(3 * latitude))[:, None] + 0.3 * np.sin(np.deg2rad(longitude))
        values = mean + amplitude * (0.6 * pattern + 0.2 * generator.standard_normal(shape))
        if name == "tp24":
            values = np.maximum(generator.gamma(1.0, 4.0, shape) - 3.0, 0.0)
        values = np.round(values / quantum) * quantum
        if name == "sst":
            values[:, : len(latitude) // 3, 1:4] = np.nan
        fields[name] = (("time", "latitude", "longitude"), values)
    return xr.Dataset(fields, {"time": ANALYSIS_TIMES, "latitude": latitude, "longitude": longitude})


@cache
def ensemble(grid: str) -> xr.Dataset:
    """The analysis with noise: every channel, dims (init_time, member, lead_time, latitude, longitude), float64."""
    truth, generator = analysis(grid), np.random.default_rng([9, len(GRIDS[grid][0])])
    fields = {}
    for name, (_, _, spread, quantum) in CHANNELS.items():
        verifying = _verifying(truth, name)[:, None]
        noise = generator.standard_normal((len(STARTS), MEMBERS, *verifying.shape[2:]))
        values = np.round((verifying + spread * (0.3 + noise)) / quantum) * quantum
        fields[name] = (DIMS, np.maximum(values, 0.0) if name in ("tp24", "q700") else values)
    latitude, longitude = GRIDS[grid]
    coords = {"init_time": STARTS, "member": np.arange(MEMBERS), "lead_time": LEADS}
    return xr.Dataset(fields, {**coords, "latitude": latitude, "longitude": longitude})


def expected(
    grid: str, channels: Sequence[str], starts: Sequence[int], leads: Sequence[int], members: Sequence[int]
) -> Expected:
    """Scores by their definitions, in float64, of part of the ensemble, by its indices."""
    forecast, area = ensemble(grid), _areas(grid)
    scores: dict[str, dict[str, dict[str, float | None]]] = {}
    for name in channels:
        x = forecast[name].values[np.ix_(starts, members, leads)]
        y = _verifying(analysis(grid), name)[np.ix_(starts, leads)]
        weights = np.where(np.isnan(y), 0.0, area[:, None])

        def mean(field: np.ndarray, weights: np.ndarray = weights) -> np.ndarray:
            return np.nansum(field * weights, axis=(0, 2, 3)) / weights.sum(axis=(0, 2, 3))

        error = x.mean(axis=1) - y
        found: dict[str, np.ndarray] = {
            "mae": mean(np.abs(error)),
            "rmse": np.sqrt(mean(error**2)),
            "bias": mean(error),
        }
        count = len(members)
        if count > 1:
            pairs = sum(np.abs(x[:, i] - x[:, j]) for i in range(count) for j in range(i))
            found["crps"] = mean(np.abs(x - y[:, None]).mean(axis=1) - pairs / (count * (count - 1)))
            spread = np.sqrt(mean(x.var(axis=1, ddof=1)))
            found["spread_skill"] = np.sqrt((count + 1) / count) * spread / found["rmse"]
        hours = [f"{LEADS[lead] / np.timedelta64(1, 'h'):g}" for lead in leads]
        scores[name] = {score: dict(zip(hours, map(float, values), strict=True)) for score, values in found.items()}
        if count == 1:
            scores[name] |= {score: dict.fromkeys(hours) for score in ("crps", "spread_skill")}
    return Expected(scores, len(starts), len(members))


def _verifying(truth: xr.Dataset, name: str) -> np.ndarray:
    """Analysis at each valid time: (start, lead, latitude, longitude)."""
    valid = (STARTS[:, None] + LEADS).ravel()
    values = truth[name].sel(time=valid).values
    return values.reshape(len(STARTS), len(LEADS), *values.shape[1:])


def _areas(grid: str) -> np.ndarray:
    """Area of each row's cells: half-way to the neighbours, as wide outwards as inwards, on the globe to the poles."""
    latitude = GRIDS[grid][0]
    middle = (latitude[1:] + latitude[:-1]) / 2
    first, last = 2 * latitude[0] - middle[0], 2 * latitude[-1] - middle[-1]
    edges = np.array([first, *middle, last] if grid == "region" else [-90.0, *middle, 90.0])
    return np.diff(np.sin(np.deg2rad(edges)))
