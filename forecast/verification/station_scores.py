"""Scores of ensembles at stations: pooled over places, starts and lead times, and by lead time."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError
from forecast.verification.scores.ensemble import bias, crps, rmse
from forecast.verification.scores.ranks import rank_histogram
from forecast.verification.scores.spread import spread_skill_ratio

BINS = 10
"""Classes of the PIT."""


@dataclass(frozen=True)
class StationScores:
    """Scores of an ensemble over some cases.

    Attributes:
        cases: Number of forecasts that have all their members and an observation.
        crps: Fair CRPS, in the unit of the forecast.
        spread_skill: Spread over error of the ensemble mean, corrected for the number of members; NaN without error.
        rmse: Root mean square error of the ensemble mean.
        bias: Mean of the ensemble mean less the observation.
        pit: Share of observations in each of ten classes of the probability integral transform, from low to high.
    """

    cases: int
    crps: float
    spread_skill: float
    rmse: float
    bias: float
    pit: tuple[float, ...]


@dataclass(frozen=True)
class ScoresByLead:
    """Scores at stations, pooled and by lead time.

    Attributes:
        pooled: Over all cases.
        by_lead: By lead time in hours.
    """

    pooled: StationScores
    by_lead: dict[float, StationScores]


def station_scores(forecast: xr.DataArray, observation: xr.DataArray) -> ScoresByLead:
    """Scores of ensembles at stations, over the cases that have all members and an observation.

    Args:
        forecast: Dims (station, init_time, lead_time, member), NaN where there is none; at least 2 members.
        observation: Dims (station, init_time, lead_time), in the same unit, NaN where nothing was observed.

    Returns:
        Scores over all cases, each of the same weight, and by lead time.

    Raises:
        UnscorableError: No case has both, or dims are others.
    """
    dims = ("station", "init_time", "lead_time")
    if set(forecast.dims) != {*dims, "member"} or set(observation.dims) != set(dims):
        raise UnscorableError(f"forecast: expected dimensions {', '.join(dims)} and member, found {forecast.dims}")
    members = forecast.transpose(*dims, "member").values.astype(np.float64)
    observed = observation.transpose(*dims).values.astype(np.float64)
    known = np.isfinite(members).all(-1) & np.isfinite(observed)
    if not known.any():
        raise UnscorableError("forecast: expected a case with all members and an observation, found none")
    hours = (forecast["lead_time"].values / np.timedelta64(1, "h")).tolist()
    by_lead = {
        float(lead): _scores(members[:, :, at][known[:, :, at]], observed[:, :, at][known[:, :, at]])
        for at, lead in enumerate(hours)
        if known[:, :, at].any()
    }
    return ScoresByLead(_scores(members[known], observed[known]), by_lead)


def pit_histogram(positions: NDArray[np.float64]) -> tuple[float, ...]:
    """Share of values of the probability integral transform in each of ten classes of the same width.

    Args:
        positions: The values, in 0 to 1.

    Source: Gneiting et al. (2007), doi:10.1111/j.1467-9868.2007.00587.x
    """
    counts, _ = np.histogram(np.clip(positions, 0, 1), np.linspace(0, 1, BINS + 1))
    return tuple(float(share) for share in counts / max(positions.size, 1))


def _pit_of_ranks(shares: NDArray[np.float64]) -> tuple[float, ...]:
    """PIT histogram of an ensemble: each rank of M + 1 is spread evenly over its share of 0 to 1."""
    edges, ends = np.linspace(0, 1, BINS + 1), np.linspace(0, 1, shares.size + 1)
    overlap = np.minimum(edges[1:], ends[1:, None]) - np.maximum(edges[:-1], ends[:-1, None])
    return tuple(float(share) for share in shares @ (np.clip(overlap, 0, None) * shares.size))


def _scores(members: NDArray[np.float64], observed: NDArray[np.float64]) -> StationScores:
    forecast = xr.DataArray(members, dims=("case", "member"))
    analysis = xr.DataArray(observed, dims="case")
    ranks = rank_histogram(forecast, analysis, reduce="case").values
    return StationScores(
        cases=observed.size,
        crps=float(crps(forecast, analysis, reduce="case")),
        spread_skill=float(spread_skill_ratio(forecast, analysis, reduce="case")),
        rmse=float(rmse(forecast, analysis, reduce="case")),
        bias=float(bias(forecast, analysis, reduce="case")),
        pit=_pit_of_ranks(ranks),
    )
