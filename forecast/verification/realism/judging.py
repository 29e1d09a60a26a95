"""Gates from the measures of many starts, with limits from the weather of the validation period."""

from collections.abc import Sequence

import numpy as np
import scipy.stats
import xarray as xr

from forecast.verification.realism.gates import Figure, Gate, figures_of
from forecast.verification.realism.measures import SPACE, Pair, moments_of_shares
from forecast.verification.realism.noise import mean_limits, ratio_limits

POWER_TOLERANCE = 1.1
"""Factor that powers, energies and imbalances may be off: the aim that the first checkpoints were made for."""
SPREAD_TOLERANCE = 1.21
"""Factor that powers of differences may be off: the square of 1.1, as spread/skill of 0.9 to 1.1 counts as reliable."""
RANK_TOLERANCE = 0.05
DISPERSION_TOLERANCE = 0.11
"""How far the dispersion of ranks may be off 1: what spread/skill of 0.9 to 1.1 makes of a Gaussian ensemble."""
LEAST_STARTS_OF_REGIME = 5
ANY = "any"
TITLES = {
    "spectrum": "power of members over that of analyses, by band of wavenumbers",
    "wind-spectrum": "kinetic energy of rotational and divergent wind of members over that of analyses",
    "spread-by-scale": "power of member less member over that of member less analysis, by band",
    "growth-from-analogues": "power of how members from two states alike depart, over how the weather did, by band",
    "geostrophic-balance": "ageostrophic share of kinetic energy of members over that of analyses",
    "hydrostatic-balance": "mean square misfit of temperature and thickness of members over that of analyses",
    "ranks": "mean and dispersion of the ranks of analyses, by region, and by regime of the start",
    "device": "largest difference of members on the GPU and on the CPU, standard deviations",
}
"""What each gate measures."""


def not_measured(name: str, reason: str) -> Gate:
    """Return a gate that a system cannot have figures of.

    Args:
        name: One of `TITLES`.
        reason: Why not.
    """
    return Gate(name, TITLES[name], (), reason)


def ratio_gate(
    name: str, pairs: Sequence[Pair], scatter: xr.DataArray, members: int, tolerance: float = POWER_TOLERANCE
) -> Gate:
    """Judge the ratio of a measure of members to that of analyses, each averaged over starts first.

    Args:
        name: One of `TITLES`.
        pairs: One of each start; none, which fails, if nothing was measured.
        scatter: Relative scatter of the measure between days of the validation period, on some of its dimensions.
        members: How many members the measure is a mean over.
        tolerance: Factor that a ratio may be off in any case.
    """
    if not pairs:
        return Gate(name, TITLES[name])
    ours, theirs = (xr.concat(list(each), "start", coords="minimal", compat="override").mean("start", skipna=False)
                    for each in zip(*pairs, strict=True))  # fmt: skip
    low, high = ratio_limits(scatter.broadcast_like(ours), len(pairs), members, tolerance)
    return Gate(name, TITLES[name], figures_of(ours / theirs, low, high))


def rank_gate(moments: Sequence[xr.Dataset], regimes: Sequence[str], scatter: xr.Dataset) -> Gate:
    """Judge mean and dispersion of ranks: by region over all starts, and by regime over the whole grid.

    Args:
        moments: Of each start, from `rank_moments`.
        regimes: Regime of each start; one with fewer than 5 starts is not judged.
        scatter: Standard deviations of the moments between days of the validation period.
    """
    if not moments:
        return Gate("ranks", TITLES["ranks"])
    whole = xr.concat(list(moments), xr.DataArray(list(regimes), dims="start", name="start"))
    groups: dict[str, tuple[xr.Dataset, xr.Dataset]] = {ANY: (whole, scatter)}
    for regime in dict.fromkeys(sorted(regimes)):
        chosen = whole.isel(start=np.array(regimes) == regime, region=[0])
        if chosen.sizes["start"] >= LEAST_STARTS_OF_REGIME:
            groups[regime] = chosen, scatter.isel(region=[0])
    figures = [
        figure
        for regime, (found, spread) in groups.items()
        for name, ideal, tolerance in (("rank", 0.5, RANK_TOLERANCE), ("dispersion", 1.0, DISPERSION_TOLERANCE))
        for figure in _moment_figures((regime, name), found[name], spread[name], (ideal, tolerance))
    ]
    return Gate("ranks", TITLES["ranks"], figures)


def device_gate(apart: xr.DataArray, limit: float = 1e-4) -> Gate:
    """Judge how far members of the same noise are apart that were made on two devices.

    Args:
        apart: Largest absolute difference in standard deviations, on channel and lead time.
        limit: Largest that is allowed: the contract on the identity of members.
    """
    none = xr.zeros_like(apart, dtype=np.float64)
    return Gate("device", TITLES["device"], figures_of(apart, none, none + limit))


def scatter_of_ranks(changes: xr.DataArray, weights: xr.DataArray) -> xr.Dataset:
    """Standard deviations between days of the moments of ranks, as the weather's own changes have them.

    The change from a day to a later one is ranked among those of all days at its point; such ranks are uniform, and
    alike over the distances over which errors of forecasts are.

    Args:
        changes: From a time to one `lead_time` later: time, lead_time, latitude, longitude and others.
        weights: Weights over `region`, latitude and longitude.
    """
    axis = changes.get_axis_num("time")
    ranks = scipy.stats.rankdata(changes.values, axis=axis)
    shares = changes.copy(data=(ranks - 0.5) / changes.sizes["time"])
    return moments_of_shares(shares, weights.sel({dim: changes[dim] for dim in SPACE})).std("time", ddof=1)


def _moment_figures(
    group: tuple[str, str], values: xr.DataArray, scatter: xr.DataArray, aim: tuple[float, float]
) -> list[Figure]:
    regime, moment = group
    low, high = mean_limits(scatter, values.sizes["start"], *aim)
    found = figures_of(values.mean("start", skipna=False), low, high)
    return [Figure({"moment": moment, **each.of, "regime": regime}, each.value, each.low, each.high) for each in found]
