"""Scores over many cycles from sums that add exactly: nothing of a cycle is kept but its sums.

Verification, evaluation and the score archive all take the sums of a cycle from `cycle_sums`, and turn sums into scores
with `scores_of`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from data_catalog.layout.variables import VARIABLES
from forecast.verification.checks import UnscorableError, on_grid, paired
from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.regions import region_weights
from forecast.verification.scores.ranks import block_histogram

AXES = ("channel", "lead_time", "region", "statistic")
"""Dimensions of the sums of a cycle, in their order."""
MEANS = ("crps", "squares", "absolute", "bias", "variance", "inflated")
"""Means over points that all scores are functions of; `inflated` is the variance times (M + 1) / M."""
TOTALS = ("weight", *MEANS)
"""Statistics of every cycle; the weights of the ranks, `rank_000` ..., follow them."""
PIECE_VALUES = 67_108_864
"""Values of an ensemble that are scored at once, to bound memory: a larger one is taken a few lead times at a time."""


def cycle_sums(forecast: xr.Dataset, analysis: xr.Dataset, weights: xr.DataArray | None = None) -> xr.DataArray:
    """Sums over the grid of one forecast, from which its scores and those of many cycles are computed.

    Args:
        forecast: One variable a channel: member, lead_time, latitude and longitude, in any order.
        analysis: The same channels at the valid times: lead_time, latitude and longitude, on the same coordinates and
            in the same units.
        weights: Weights of each region, over region, latitude and longitude, from `region_weights`; the areas of the
            whole grid when None.

    Returns:
        Float64 over channel, lead_time, region and statistic. Statistics are `weight`; the sums of weight x value for
        `crps` (fair), `squares`, `absolute` and `bias` (all three of the error of the ensemble mean), `variance`
        (divided by M - 1) and `inflated` (variance times (M + 1) / M); and the weight of each rank, `rank_000` ... A
        fair CRPS is NaN for one member.

    Raises:
        UnscorableError: The two do not fit together, or a value is missing.
    """
    names = [str(name) for name in forecast.data_vars]
    if not names:
        raise UnscorableError("forecast: expected at least one channel, found none")
    channels = [_channel_sums(name, forecast[name], analysis, weights) for name in names]
    return xr.concat(channels, xr.DataArray(names, dims="channel", name="channel"))


def scores_of(sums: xr.DataArray) -> xr.Dataset:
    """Scores from sums of one cycle, or from sums that are added over cycles, regions or lead times.

    Args:
        sums: Sums from `cycle_sums`, along `statistic` and any other dimensions.

    Returns:
        On the other dimensions, in the units of the channels: `crps` (fair); `rmse`, `mae` and `bias` of the ensemble
        mean; and `spread`. Without unit: `spread_skill`, sqrt(mean of (M + 1) / M variance) / RMSE; and
        `rank_histogram`, shares along `rank`. NaN where undefined, as for the fair CRPS of one member.

    Source: Ferro (2014), doi:10.1002/qj.2270; Fortin et al. (2014), doi:10.1175/JHM-D-14-0008.1
    """
    weight = sums.sel(statistic="weight", drop=True)
    means = {name: sums.sel(statistic=name, drop=True) / weight.where(weight > 0) for name in MEANS}
    rmse = means["squares"] ** 0.5
    scores = {
        "crps": means["crps"],
        "rmse": rmse,
        "mae": means["absolute"],
        "bias": means["bias"],
        "spread": means["variance"] ** 0.5,
        "spread_skill": means["inflated"] ** 0.5 / rmse.where(rmse > 0),
        "rank_histogram": _rank_weights(sums) / weight.where(weight > 0),
    }
    return xr.Dataset(scores)


def _rank_weights(sums: xr.DataArray) -> xr.DataArray:
    ranks = sums.sel(statistic=[name for name in sums["statistic"].values.tolist() if name.startswith("rank_")])
    return ranks.rename(statistic="rank").assign_coords(rank=np.arange(ranks.sizes["statistic"]))


@dataclass
class EvaluationSums:
    """Sums over cycles, empty at first; the order in which they are added changes no more than the last bits.

    Attributes:
        sums: Sums from `cycle_sums`, added over cycles; None before the first.
        cycles: Number of cycles.
    """

    sums: xr.DataArray | None = None
    cycles: int = 0

    def add(self, forecast: xr.Dataset, analysis: xr.Dataset, *, weights: xr.DataArray | None = None) -> None:
        """Add the sums of one cycle.

        Args:
            forecast: One variable a channel: member, lead_time, latitude and longitude, in any order.
            analysis: The same channels at the valid times: lead_time, latitude and longitude, on the same coordinates
                and in the same units.
            weights: Weights of each region, over region, latitude and longitude, from `region_weights`; the areas of
                the whole grid when None.

        Raises:
            UnscorableError: The two do not fit together, a value is missing, or earlier cycles had another number of
                members or other regions. The sums stay as they were.
        """
        merged = self.merge(EvaluationSums(cycle_sums(forecast, analysis, weights), 1))
        self.sums, self.cycles = merged.sums, merged.cycles

    def merge(self, other: "EvaluationSums") -> "EvaluationSums":
        """Return the sums of both; neither is changed.

        Args:
            other: Sums over other cycles, perhaps of other channels and lead times.

        Raises:
            UnscorableError: The ensembles differ in size, or the regions differ.
        """
        cycles = self.cycles + other.cycles
        if self.sums is None or other.sums is None:
            return EvaluationSums(other.sums if self.sums is None else self.sums, cycles)
        return EvaluationSums(_added(self.sums, other.sums), cycles)

    def scores(self, region: str | None = None) -> dict[str, dict[str, dict[str, Any]]]:
        """Return scores by channel, name of the score, and lead time in hours as text.

        Args:
            region: Name of a region of the sums; the first, which is the whole grid, when None.

        Returns:
            The scores of `scores_of` as plain numbers, the rank histogram as a list, and None where undefined; empty
            before the first cycle.

        Raises:
            UnscorableError: The sums have no such region.
        """
        if self.sums is None:
            return {}
        regions = self.sums["region"].values.tolist()
        if region is not None and region not in regions:
            raise UnscorableError(f"region: expected one of {regions}, found '{region}'")
        return _plain_scores(scores_of(self.sums.sel(region=region or regions[0])).sortby("lead_time"))


def _lead_pieces(forecast: xr.DataArray) -> Iterator[dict[str, slice]]:
    """Split the lead times of a forecast into pieces that each take bounded memory to score.

    Args:
        forecast: Field with `lead_time`.

    Yields:
        Selection of a piece, for `isel`.

    Raises:
        UnscorableError: There is no lead time.
    """
    leads = forecast.sizes.get("lead_time", 0)
    if not leads:
        raise UnscorableError(f"{forecast.name}: expected dimension 'lead_time', found {list(forecast.dims)}")
    together = max(PIECE_VALUES * leads // max(forecast.size, 1), 1)
    for start in range(0, leads, together):
        yield {"lead_time": slice(start, start + together)}


def _channel_sums(
    name: str, forecast: xr.DataArray, analysis: xr.Dataset, weights: xr.DataArray | None
) -> xr.DataArray:
    if name not in analysis:
        raise UnscorableError(f"{name}: expected it in the analysis, found {sorted(map(str, analysis.data_vars))}")
    paired(forecast, analysis[name], "member")
    if weights is None:
        weights = region_weights(forecast["latitude"], forecast["longitude"], {})
    pieces = [
        _piece_sums(name, forecast.isel(piece), analysis[name].isel(piece), weights) for piece in _lead_pieces(forecast)
    ]
    return xr.concat(pieces, "lead_time") if len(pieces) > 1 else pieces[0]


def _piece_sums(name: str, forecast: xr.DataArray, analysis: xr.DataArray, weights: xr.DataArray) -> xr.DataArray:
    statistics = ensemble_statistics(forecast, analysis).compute().transpose("lead_time", "latitude", "longitude")
    fields = {str(key): np.asarray(field.values) for key, field in statistics.items()}
    known = _known_points(name, fields["error"], analysis, statistics["lead_time"].values)
    weights = on_grid("weights", weights, statistics["error"], own_dims=True)
    members = forecast.sizes["member"]
    shares = weights.transpose("region", "latitude", "longitude").values.astype(np.float64)
    return xr.DataArray(
        _region_sums(fields, shares, known, members),
        dims=AXES[1:],
        coords={
            "lead_time": statistics["lead_time"].values.astype("timedelta64[ns]"),
            "region": weights["region"].values,
            "statistic": [*TOTALS, *(f"rank_{rank:03d}" for rank in range(members + 1))],
        },
    )


def _known_points(
    name: str, error: NDArray[Any], analysis: xr.DataArray, lead_times: NDArray[np.timedelta64]
) -> NDArray[np.bool_] | None:
    """Points where the analysis has a value, or None where it has all: sea surface temperature has none on land."""
    missing = np.isnan(error)
    if not missing.any():
        return None
    variable = VARIABLES.get(name)
    if variable is None or not variable.missing_allowed:
        found = f"{int(missing.sum())} of {missing.size} points missing{_first_lead(missing, lead_times)}"
        raise UnscorableError(f"{name}: expected all values in forecast and analysis, found {found}")
    known: NDArray[np.bool_] = ~np.isnan(analysis.transpose("lead_time", "latitude", "longitude").values)
    if (missing & known).any():
        found = f"{int((missing & known).sum())} points where one has none{_first_lead(missing & known, lead_times)}"
        raise UnscorableError(f"{name}: expected all members wherever the analysis has a value, found {found}")
    empty = np.asarray(~known.any(axis=(1, 2), keepdims=True))
    if empty.any():
        raise UnscorableError(f"{name}: expected values in the analysis, found none{_first_lead(empty, lead_times)}")
    return known


def _first_lead(points: NDArray[np.bool_], lead_times: NDArray[np.timedelta64]) -> str:
    return f", first at lead {_hours(lead_times[np.argmax(points.any(axis=(1, 2)))]):g} h"


def _region_sums(
    fields: dict[str, NDArray[Any]], shares: NDArray[np.float64], known: NDArray[np.bool_] | None, members: int
) -> NDArray[np.float64]:
    """Sums (lead time, region, statistic) of fields (lead time, latitude, longitude), weighed by (region, ...)."""
    values, leads = _point_values(fields), len(fields["error"])
    if known is None:
        weights = np.broadcast_to(shares, (leads, *shares.shape))
        means = np.einsum("mkyx,ryx->krm", values, shares)
        total = np.broadcast_to(shares.sum(axis=(1, 2))[:, None], (leads, len(shares), 1))
    else:
        weights = shares * known[:, None]
        means = np.einsum("mkyx,kryx->krm", np.where(known, values, 0.0), weights)
        total = weights.sum(axis=(2, 3))[..., None]
    ranks = [
        block_histogram(fields["below"], fields["equal"], weights[:, region], (1, 2), members)[:, 0, 0]
        for region in range(len(shares))
    ]
    return np.concatenate([total, means, np.stack(ranks, axis=1)], axis=-1)


def _point_values(fields: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Values that are summed: (mean, lead time, latitude, longitude), the means in the order of `MEANS`."""
    error, variance = fields["error"].astype(np.float64), fields["variance"].astype(np.float64)
    inflated = variance * (1.0 + 1.0 / np.maximum(fields["members"], 1))
    return np.stack([fields["fair_crps"], error**2, np.abs(error), error, variance, inflated])


def _added(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Add sums on the union of their channels and lead times; what one of them lacks has no weight in it."""
    sizes = sorted({part.sizes["statistic"] - len(TOTALS) - 1 for part in (one, other)})
    if len(sizes) > 1:
        raise UnscorableError(f"expected ensembles of one size, found {sizes} members")
    regions = [part["region"].values.tolist() for part in (one, other)]
    if regions[0] != regions[1]:
        raise UnscorableError(f"expected the same regions of all cycles, found {regions[0]} and {regions[1]}")
    channels = pd.Index(one["channel"].values).union(pd.Index(other["channel"].values), sort=False)
    leads = pd.Index(one["lead_time"].values).union(pd.Index(other["lead_time"].values))
    parts = [part.reindex(channel=channels, lead_time=leads, fill_value=0.0) for part in (one, other)]
    return parts[0] + parts[1]


def _plain_scores(scores: xr.Dataset) -> dict[str, dict[str, dict[str, Any]]]:
    hours = [f"{_hours(lead):g}" for lead in scores["lead_time"].values]
    return {
        name: {
            str(score): dict(zip(hours, map(_plain, field.sel(channel=name).values), strict=True))
            for score, field in scores.transpose("channel", "lead_time", "rank").items()
        }
        for name in scores["channel"].values.tolist()
    }


def _hours(lead_time: np.timedelta64) -> float:
    return float(lead_time / np.timedelta64(1, "h"))


def _plain(value: NDArray[np.float64]) -> float | list[float] | None:
    if not np.isfinite(value).all():
        return None
    return [float(share) for share in value] if np.ndim(value) else float(value)
