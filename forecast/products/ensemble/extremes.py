"""How extreme an ensemble is beside the climate: extreme forecast index and shift of tails."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError
from forecast.products.ensemble.arguments import on_climate
from forecast.products.ensemble.quantiles import quantile_along

Array = NDArray[np.float64]
OUTERMOST = 0.01
"""Probability of the climate's tail that the shift of tails is measured against: its quantile .01 or .99."""


def extreme_forecast_index(
    members: xr.DataArray, climate: xr.DataArray, *, member_dim: Hashable | None = None
) -> xr.DataArray:
    """Extreme forecast index (EFI) of an ensemble against the climate.

    With F(p) the share of members below the climate's quantile p:

        EFI = 2/pi (integral from 0 to 1 of (p - F(p)) / sqrt(p (1 - p)) dp)
            = mean over members of 4/pi asin(sqrt(p_i)) - 1

    where p_i is the place of member i in the climate's distribution. A member that equals several of the climate's
    states, as a dry one among dry days, counts with the mean over all the places of those states; so members drawn
    from the climate have a mean of 0 whatever its ties.

    Args:
        members: Ensemble: `member_dim` and any other dimensions; NumPy or Dask inside.
        climate: In the unit of `members`, any of its other dimensions and one more: either `quantile`, with ascending
            levels from 0 to 1 as coordinate, or the dimension of the climate's states, such as members of reforecasts
            or years of an analysis. A member beyond the outermost quantile has place 0 or 1.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        Index from -1 (all members below the whole climate) over 0 to 1 (all above), float64, dims of `members` less
        `member_dim`. NaN where a member or a state of the climate is missing.

    Raises:
        InvalidDataError: `climate` does not fit `members`.

    Source: Lalaurette (2003), doi:10.1256/qj.02.152; Zsoter (2006), doi:10.21957/kl9821hnc7
    """
    members, climate, along, state = on_climate(members, climate, member_dim)
    levels = climate["quantile"].values.astype(np.float64) if state == "quantile" else None
    index: xr.DataArray = xr.apply_ufunc(
        _index, members, climate, kwargs={"levels": levels}, input_core_dims=[[along], [state]],
        dask="parallelized", output_dtypes=[np.float64], dask_gufunc_kwargs={"allow_rechunk": True},
    )  # fmt: skip
    index.attrs = {"long_name": "extreme forecast index", "units": "1"}
    return index


def shift_of_tails(
    members: xr.DataArray, climate: xr.DataArray, *, quantile: float = 0.9, member_dim: Hashable | None = None
) -> xr.DataArray:
    """Shift of tails (SOT) of an ensemble against the climate: how far its tail reaches beyond the climate's.

    With the quantiles f of the members and c of the climate:

        SOT = (f(quantile) - c(outermost)) / (c(outermost) - c(quantile))

    where the outermost quantile is 0.99 for the upper tail and 0.01 for the lower. Quantiles are interpolated linearly.

    Args:
        members: Ensemble: `member_dim` and any other dimensions; NumPy or Dask inside.
        climate: In the unit of `members`, any of its other dimensions and one more: either `quantile`, whose levels
            reach `quantile` and the outermost, or the dimension of the climate's states.
        quantile: Above 0.5 and below 0.99 for the upper tail, above 0.01 and below 0.5 for the lower.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        Float64, dims of `members` less `member_dim`: -1 where the members' quantile is the climate's, positive where it
        is beyond the outermost quantile. NaN where the climate's two quantiles are equal, or a value is missing.

    Raises:
        ConfigurationError: `quantile` is in no tail.
        InvalidDataError: `climate` does not fit `members`.

    Source: Zsoter (2006), doi:10.21957/kl9821hnc7
    """
    if not (OUTERMOST < quantile < 0.5 or 0.5 < quantile < 1 - OUTERMOST):
        raise ConfigurationError(f"quantile: expected above 0.01 to below 0.99 and not 0.5, found {quantile}")
    members, climate, along, state = on_climate(members, climate, member_dim)
    outermost = 1 - OUTERMOST if quantile > 0.5 else OUTERMOST
    tail = quantile_along(members, quantile, along)
    inner, outer = (quantile_along(climate, level, state) for level in (quantile, outermost))
    length = (outer - inner).where(outer != inner)
    shift = (tail - outer) / length
    shift.attrs = {"long_name": f"shift of tails at quantile {quantile:g}", "units": "1"}
    return shift


def _index(members: NDArray[Any], climate: NDArray[Any], *, levels: Array | None) -> Array:
    """Index of members (..., member) against a climate (..., state)."""
    climate = np.broadcast_to(climate, (*members.shape[:-1], climate.shape[-1]))
    members, climate = np.moveaxis(members, -1, 0), np.moveaxis(climate, -1, 0)  # as they mostly lie in memory
    below = np.zeros(members.shape, np.int32)
    upto = np.zeros_like(below)
    for state in climate:
        below += state < members
        upto += state <= members
    if levels is None:
        first, last = below / len(climate), upto / len(climate)
    else:
        first, last = _places_among_quantiles(members, climate, below, upto, levels)
    missing = np.isnan(members).any(0) | np.isnan(climate).any(0)
    return np.asarray(np.where(missing, np.nan, 4 / np.pi * _mean_arcsine(first, last).mean(0) - 1))


def _places_among_quantiles(
    members: NDArray[Any], climate: NDArray[Any], below: NDArray[np.int32], upto: NDArray[np.int32], levels: Array
) -> tuple[Array, Array]:
    """First and last place in the climate's distribution of each member, from its quantiles."""
    left, right = np.clip(below - 1, 0, None), np.clip(upto, None, levels.size - 1)
    lower, upper = (np.take_along_axis(climate, index, 0).astype(np.float64) for index in (left, right))
    share = (members - lower) / np.where(upper > lower, upper - lower, 1.0)
    between = levels[left] + share * (levels[right] - levels[left])
    tied = upto > below
    first = np.where(tied, levels[np.clip(below, None, levels.size - 1)], between)
    last = np.where(tied, levels[np.clip(upto - 1, 0, None)], between)
    first = np.where(below == 0, 0.0, np.where(below == levels.size, 1.0, first))
    return first, np.where(upto == 0, 0.0, np.where(upto == levels.size, 1.0, last))


def _mean_arcsine(first: Array, last: Array) -> Array:
    """Mean of asin(sqrt(p)) for p from `first` to `last`; its value where they are one."""
    width = last - first
    mean = (_arcsine_integral(last) - _arcsine_integral(first)) / np.where(width > 0, width, 1.0)
    return np.where(width > 0, mean, np.arcsin(np.sqrt(first)))


def _arcsine_integral(place: Array) -> Array:
    return np.asarray((place - 0.5) * np.arcsin(np.sqrt(place)) + 0.5 * np.sqrt(place * (1 - place)))
