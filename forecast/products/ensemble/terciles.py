"""Terciles of the climate: the chance of each, and the most likely one."""

from collections.abc import Hashable

import numpy as np
import pandas as pd
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.products.ensemble.arguments import on_climate
from forecast.products.ensemble.events import all_of, event, probability
from forecast.products.ensemble.quantiles import quantile_along

TERCILES = ("below normal", "near normal", "above normal")
UNDECIDED = 0


def most_likely_tercile(
    members: xr.DataArray, climate: xr.DataArray, *, least_probability: float = 0.4, member_dim: Hashable | None = None
) -> xr.Dataset:
    """Probability of each tercile of the climate, and which is the most likely.

    A member on the boundary of two terciles is near normal; where most of the climate is dry, so is every dry member.

    Args:
        members: Ensemble: `member_dim` and any other dimensions; NumPy or Dask inside.
        climate: In the unit of `members`, any of its other dimensions and one more: either `quantile`, whose levels
            reach 1/3 and 2/3, or the dimension of the climate's states.
        least_probability: Below this probability, from 0 to 1, the most likely tercile is undecided.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        `probability`, along `tercile` (below, near and above normal) and the dims of `members` less `member_dim`; and
        `most_likely` on those dims: 1 below, 2 near, 3 above normal, 0 undecided, which is also where two are equally
        likely. NaN where a member or the climate is missing.

    Raises:
        ConfigurationError: `least_probability` is not from 0 to 1.
        InvalidDataError: `climate` does not fit `members`.

    Source: WMO (2020), Guidance on Operational Practices for Objective Seasonal Forecasting, WMO-No. 1246
    """
    if not 0 <= least_probability <= 1:
        raise ConfigurationError(f"least_probability: expected 0 to 1, found {least_probability}")
    members, climate, along, state = on_climate(members, climate, member_dim)
    lower, upper = (quantile_along(climate, third / 3, state) for third in (1, 2))
    near = all_of(event(members, ">=", lower), event(members, "<=", upper))
    categories = (event(members, "<", lower), near, event(members, ">", upper))
    chances = [probability(each, member_dim=along) for each in categories]
    chance = xr.concat(chances, pd.Index(TERCILES, name="tercile")).assign_attrs(chances[0].attrs)
    return xr.Dataset({"probability": chance, "most_likely": _most_likely(chance, least_probability)})


def _most_likely(chance: xr.DataArray, least_probability: float) -> xr.DataArray:
    largest = chance.max("tercile", skipna=False)
    alone = (chance == largest).sum("tercile") == 1
    number = chance.fillna(0.0).argmax("tercile") + 1  # argmax refuses missing points, which are set missing below
    found = number.where(alone & (largest >= least_probability), UNDECIDED).where(largest.notnull())
    names = " ".join(name.replace(" ", "_") for name in ("undecided", *TERCILES))
    found.attrs = {"long_name": "most likely tercile", "flag_values": np.arange(4.0), "flag_meanings": names}
    return found
