"""Scores over many cycles from sums that add exactly: nothing of a cycle is kept but its sums.

`cycle_sums` is the one pass that verification, evaluation and the score archive go through, and `scores_of` the one
place where sums become scores.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError, paired
from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.regions import region_weights
from forecast.verification.scores.ranks import block_histogram
from forecast.verification.weighting import check_weights

AXES = ("channel", "lead_time", "region", "statistic")
MEANS = ("crps", "squares", "absolute", "bias", "variance", "inflated")
"""Means that all scores are functions of; `inflated` is the variance times (M + 1) / M."""
TOTALS = ("weight", *MEANS)
"""Statistics of every cycle; beside them stands `rank_000` ... for each rank."""
PIECE_VALUES = 67_108_864
"""Lead times of larger ensembles are taken a few at a time."""


def cycle_sums(forecast: xr.Dataset, analysis: xr.Dataset, weights: xr.DataArray | None = None) -> xr.DataArray:
    """All sums of one cycle.

    Args:
        forecast: Dims (member, lead_time, latitude, longitude), any order.
        analysis: The same channels at the valid times, dims (lead_time, latitude, longitude).
        weights: Along `region`, latitude and longitude, from `regions.region_weights`; the areas of the whole grid
            when None.

    Returns:
        Float64 over `AXES`. Statistics are `weight`; weight x value for each of `crps` (fair), `squares` and `absolute`
        (of the error of the ensemble mean), `bias`, `variance`, `inflated` (variance times (M + 1) / M); and weight of
        each `rank_000` ... A fair CRPS that is not defined is NaN.

    Raises:
        UnscorableError: The two do not fit together, or a value is missing.
    """
    names = [str(name) for name in forecast.data_vars]
    if not names:
        raise UnscorableError("forecast: expected at least one channel, found none")
    channels = [_channel_sums(name, forecast[name], analysis, weights) for name in names]
    return xr.concat(channels, xr.DataArray(names, dims="channel", name="channel"))


def scores_of(sums: xr.DataArray) -> xr.Dataset:
    """Scores from sums, of one cycle or added over cycles, regions or lead times.

    Args:
        sums: Along `statistic`; see `cycle_sums`.

    Returns:
        `crps` (fair), `rmse`, `mae` and `bias` (of the ensemble mean), `spread`, `spread_skill` (Fortin-corrected), and
        `rank_histogram` (shares) along `rank`; NaN where undefined, such as the fair CRPS of one member.
    """
    weight = sums.sel(statistic="weight", drop=True)
    means = {name: sums.sel(statistic=name, drop=True) / weight.where(weight > 0) for name in MEANS}
    rmse = means["squares"] ** 0.5
    ranks = sums.sel(statistic=[name for name in sums["statistic"].values.tolist() if name.startswith("rank_")])
    shares = ranks.rename(statistic="rank").assign_coords(rank=np.arange(ranks.sizes["statistic"]))
    return xr.Dataset(
        {
            "crps": means["crps"],
            "rmse": rmse,
            "mae": means["absolute"],
            "bias": means["bias"],
            "spread": means["variance"] ** 0.5,
            "spread_skill": means["inflated"] ** 0.5 / rmse.where(rmse > 0),
            "rank_histogram": shares / weight.where(weight > 0),
        }
    )


@dataclass
class EvaluationSums:
    """Sums over cycles, empty at first; the order of adding matters to no more than the last bits of float64.

    Attributes:
        sums: From `cycle_sums`, added over cycles.
        cycles: How many there were.
    """

    sums: xr.DataArray | None = None
    cycles: int = 0

    def add(self, forecast: xr.Dataset, analysis: xr.Dataset, *, weights: xr.DataArray | None = None) -> None:
        """Take in one cycle.

        Args:
            forecast: See `cycle_sums`.
            analysis: See `cycle_sums`.
            weights: See `cycle_sums`.

        Raises:
            UnscorableError: The two do not fit together, a value is missing, or earlier cycles had another number of
                members or other regions.
        """
        merged = self.merge(EvaluationSums(cycle_sums(forecast, analysis, weights), 1))
        self.sums, self.cycles = merged.sums, merged.cycles

    def merge(self, other: Self | "EvaluationSums") -> "EvaluationSums":
        """Sums of both; neither is changed.

        Args:
            other: Other cycles; may have other channels and lead times.

        Raises:
            UnscorableError: The ensembles differ in size, or the regions differ.
        """
        cycles = self.cycles + other.cycles
        if self.sums is None or other.sums is None:
            return EvaluationSums(other.sums if self.sums is None else self.sums, cycles)
        return EvaluationSums(_added(self.sums, other.sums), cycles)

    def scores(self, region: str | None = None) -> dict[str, dict[str, dict[str, Any]]]:
        """Scores per channel, score and lead time in hours.

        Args:
            region: One of `sums`; the first, which is the whole grid, when None.

        Returns:
            Those of `scores_of` as plain numbers; None where undefined. Empty where nothing was added.
        """
        if self.sums is None:
            return {}
        regions = self.sums["region"].values.tolist()
        if region is not None and region not in regions:
            raise UnscorableError(f"region: expected one of {regions}, found '{region}'")
        scores = scores_of(self.sums.sel(region=region or regions[0])).sortby("lead_time")
        hours = [f"{float(lead / np.timedelta64(1, 'h')):g}" for lead in scores["lead_time"].values]
        return {
            name: {
                str(score): dict(zip(hours, map(_plain, field.sel(channel=name).values), strict=True))
                for score, field in scores.transpose("channel", "lead_time", "rank").items()
            }
            for name in scores["channel"].values.tolist()
        }


def lead_pieces(forecast: xr.DataArray) -> Iterator[dict[str, slice]]:
    """Selections of lead times that each take bounded memory to score.

    Args:
        forecast: Has `lead_time`.

    Yields:
        For `isel`.
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
        _piece_sums(name, forecast.isel(piece), analysis[name].isel(piece), weights) for piece in lead_pieces(forecast)
    ]
    return xr.concat(pieces, "lead_time") if len(pieces) > 1 else pieces[0]


def _piece_sums(name: str, forecast: xr.DataArray, analysis: xr.DataArray, weights: xr.DataArray) -> xr.DataArray:
    statistics = ensemble_statistics(forecast, analysis).compute().transpose("lead_time", "latitude", "longitude")
    fields = {str(key): np.asarray(field.values) for key, field in statistics.items()}
    missing = np.isnan(fields["error"])
    if missing.any():
        first = statistics["lead_time"].values[np.argmax(missing.any(axis=(1, 2)))] / np.timedelta64(1, "h")
        found = f"{int(missing.sum())} of {missing.size} points missing, first at lead {float(first):g} h"
        raise UnscorableError(f"{name}: expected all values in forecast and analysis, found {found}")
    check_weights(weights.isel(region=0, drop=True), statistics["error"])
    shares = weights.transpose("region", "latitude", "longitude").values.astype(np.float64)
    means = np.einsum("mkyx,ryx->krm", _point_values(fields), shares)
    members, shape = forecast.sizes["member"], fields["error"].shape
    ranks = [
        block_histogram(fields["below"], fields["equal"], np.broadcast_to(share, shape), (1, 2), members)[:, 0, 0]
        for share in shares
    ]
    total = np.broadcast_to(shares.sum(axis=(1, 2))[:, None], (shape[0], len(shares), 1))
    return xr.DataArray(
        np.concatenate([total, means, np.stack(ranks, axis=1)], axis=-1),
        dims=AXES[1:],
        coords={
            "lead_time": statistics["lead_time"].values.astype("timedelta64[ns]"),
            "region": weights["region"].values,
            "statistic": [*TOTALS, *(f"rank_{rank:03d}" for rank in range(members + 1))],
        },
    )


def _point_values(fields: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """What the sums are sums of: the dimensions of a field after one in the order of `MEANS`."""
    error, variance = fields["error"].astype(np.float64), fields["variance"].astype(np.float64)
    inflated = variance * (1.0 + 1.0 / fields["members"])
    return np.stack([fields["fair_crps"], error**2, np.abs(error), error, variance, inflated])


def _added(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Both on the union of their channels and lead times; what one lacks has no weight in it."""
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


def _plain(value: NDArray[np.float64]) -> float | list[float] | None:
    if np.ndim(value):
        return [float(share) for share in value]
    return float(value) if np.isfinite(value) else None
