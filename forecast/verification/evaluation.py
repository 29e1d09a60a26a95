"""Scores over many cycles from sums that add exactly: nothing of a cycle is kept but its sums."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError, paired
from forecast.verification.fused import ensemble_statistics
from forecast.verification.ranks import block_histogram
from forecast.verification.weighting import area_weights, check_weights

GRID = ("latitude", "longitude")
PIECE_VALUES = 67_108_864
"""Lead times of larger ensembles are taken a few at a time."""
MEANS = ("crps", "squares", "absolute", "bias", "variance", "inflated")
"""Means per channel and lead time that all scores are functions of; `inflated` is the variance times (M + 1) / M."""


@dataclass
class EvaluationSums:
    """Sums per channel and lead time (h): of weight, of weight x value for each of `MEANS`, and of weight per rank.

    Empty at first; `add` takes one cycle in, `merge` another period, region or process. The order matters to no more
    than the last bits of float64.
    """

    sums: dict[str, dict[float, NDArray[np.float64]]] = field(default_factory=dict)
    weights: dict[str, dict[float, float]] = field(default_factory=dict)
    ranks: dict[str, dict[float, NDArray[np.float64]]] = field(default_factory=dict)
    cycles: int = 0

    def add(self, forecast: xr.Dataset, analysis: xr.Dataset, *, weights: xr.DataArray | None = None) -> None:
        """Take in one cycle.

        Args:
            forecast: Dims (member, lead_time, latitude, longitude), any order.
            analysis: The same channels at the valid times, dims (lead_time, latitude, longitude).
            weights: Of the points; area weights of the grid when None.

        Raises:
            UnscorableError: The two do not fit together, or a value is missing.
        """
        added = EvaluationSums(cycles=1)
        for name in map(str, forecast.data_vars):
            if name not in analysis:
                raise UnscorableError(
                    f"{name}: expected it in the analysis, found {sorted(map(str, analysis.data_vars))}"
                )
            paired(forecast[name], analysis[name], "member")
            for piece in lead_pieces(forecast[name]):
                added._add_channel(name, forecast[name].isel(piece), analysis[name].isel(piece), weights)
        merged = self.merge(added)
        self.sums, self.weights, self.ranks, self.cycles = merged.sums, merged.weights, merged.ranks, merged.cycles

    def merge(self, other: Self) -> "EvaluationSums":
        """Sums of both; neither is changed.

        Args:
            other: Other cycles.

        Raises:
            UnscorableError: The ensembles differ in size.
        """
        merged = EvaluationSums(cycles=self.cycles + other.cycles)
        for name in {**self.sums, **other.sums}:
            mine, theirs = (part.ranks.get(name, {}) for part in (self, other))
            sizes = {len(ranks) - 1 for part in (mine, theirs) for ranks in part.values()}
            if len(sizes) > 1:
                raise UnscorableError(f"{name}: expected ensembles of one size, found {sorted(sizes)} members")
            merged.ranks[name] = _added(mine, theirs)
            merged.sums[name] = _added(self.sums.get(name, {}), other.sums.get(name, {}))
            merged.weights[name] = _added(self.weights.get(name, {}), other.weights.get(name, {}))
        return merged

    def scores(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Scores per channel, score and lead time in hours.

        Returns:
            `crps` (fair), `rmse`, `mae` and `bias` (of the ensemble mean), `spread`, `spread_skill` (Fortin-corrected)
            and `rank_histogram` (shares); None where undefined, such as the fair CRPS of one member.
        """
        result: dict[str, dict[str, dict[str, Any]]] = {}
        for name, by_lead in self.sums.items():
            table: dict[str, dict[str, Any]] = {}
            for lead in sorted(by_lead):
                means = dict(zip(MEANS, by_lead[lead] / self.weights[name][lead], strict=True))
                for score, value in _scores(means).items():
                    table.setdefault(score, {})[f"{lead:g}"] = value
                shares = self.ranks[name][lead] / self.weights[name][lead]
                table.setdefault("rank_histogram", {})[f"{lead:g}"] = shares.tolist()
            result[name] = table
        return result

    def _add_channel(
        self, name: str, forecast: xr.DataArray, analysis: xr.DataArray, weights: xr.DataArray | None
    ) -> None:
        if weights is None:
            weights = area_weights(forecast["latitude"])
        statistics = ensemble_statistics(forecast.rename(name), analysis).compute().transpose("lead_time", *GRID)
        fields = {str(key): np.asarray(field.values) for key, field in statistics.items()}
        missing = np.isnan(fields["error"])
        if missing.any():
            found = f"{int(missing.sum())} of {missing.size} points missing"
            raise UnscorableError(f"{name}: expected all values in forecast and analysis, found {found}")
        check_weights(weights, statistics["error"])
        weight = weights.broadcast_like(statistics["error"][0]).transpose(*GRID).values.astype(np.float64)
        sums = np.einsum("mkyx,yx->km", point_values(fields), weight)
        members = forecast.sizes["member"]
        ranks = block_histogram(
            fields["below"], fields["equal"], np.broadcast_to(weight, missing.shape), (1, 2), members
        )
        for index, lead in enumerate(statistics["lead_time"].values):
            hours = float(lead / np.timedelta64(1, "h"))
            self.sums.setdefault(name, {})[hours] = sums[index]
            self.weights.setdefault(name, {})[hours] = float(weight.sum())
            self.ranks.setdefault(name, {})[hours] = ranks[index, 0, 0]


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


def point_values(fields: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """What the sums are sums of.

    Args:
        fields: Of `ensemble_statistics`, by name.

    Returns:
        The dimensions of a field after one in the order of `MEANS`.
    """
    error, variance = fields["error"].astype(np.float64), fields["variance"].astype(np.float64)
    inflated = variance * (1.0 + 1.0 / fields["members"])
    return np.stack([fields["fair_crps"], error**2, np.abs(error), error, variance, inflated])


def _scores(means: dict[str, float]) -> dict[str, float | None]:
    rmse = np.sqrt(means["squares"])
    values = {
        "crps": means["crps"],
        "rmse": rmse,
        "mae": means["absolute"],
        "bias": means["bias"],
        "spread": np.sqrt(means["variance"]),
        "spread_skill": np.sqrt(means["inflated"]) / rmse if rmse > 0 else np.nan,
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}


def _added(one: dict[float, Any], other: dict[float, Any]) -> dict[float, Any]:
    return {lead: one.get(lead, 0.0) + other.get(lead, 0.0) for lead in sorted({**one, **other})}
