"""Whether an ensemble differs from the climate by more than chance."""

from collections.abc import Hashable
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.ensemble.arguments import on_climate

Alternative = Literal["two-sided", "less", "greater"]


def anomaly_significance(
    members: xr.DataArray,
    climate: xr.DataArray,
    *,
    alternative: Alternative = "two-sided",
    member_dim: Hashable | None = None,
) -> xr.DataArray:
    """P-value of the Wilcoxon-Mann-Whitney test that members and climate are drawn from one distribution.

    It takes the normal approximation with corrections for ties and for continuity, at every point alike; from about 8
    members on it is close. The test takes the members as independent, and the states of the climate too: take one state
    a year, or members of reforecasts that start well apart. States of consecutive days say nearly the same, and make
    the p-value far too small. On a map some points are significant by chance: `scipy.stats.false_discovery_control`
    adjusts for that.

    Args:
        members: Ensemble: `member_dim` and any other dimensions; NumPy or Dask inside.
        climate: Independent states of the climate, in the unit of `members`: any of its other dimensions and one more.
        alternative: `two-sided`, or that the members are `less` or `greater` than the climate.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        0 to 1, float64, dims of `members` less `member_dim`: small where they differ. 1 where all values are equal; NaN
        where a member or a state is missing.

    Raises:
        ConfigurationError: `alternative` is unknown.
        InvalidDataError: `climate` does not fit `members`, or is given as quantiles.

    Source: Mann and Whitney (1947), doi:10.1214/aoms/1177730491; Wilks (2016), doi:10.1175/BAMS-D-15-00267.1
    """
    if alternative not in get_args(Alternative):
        raise ConfigurationError(f"alternative: expected one of {get_args(Alternative)}, found '{alternative}'")
    members, climate, along, state = on_climate(members, climate, member_dim)
    if state == "quantile":
        raise InvalidDataError("climate: expected independent states, found quantiles, which do not tell how many")
    value: xr.DataArray = xr.apply_ufunc(
        _p_value, members, climate, kwargs={"alternative": alternative}, input_core_dims=[[along], [state]],
        dask="parallelized", output_dtypes=[np.float64], dask_gufunc_kwargs={"allow_rechunk": True},
    )  # fmt: skip
    value.attrs = {"long_name": "p-value of the anomaly, Wilcoxon-Mann-Whitney", "units": "1"}
    return value


def _p_value(members: NDArray[Any], climate: NDArray[Any], *, alternative: Alternative) -> NDArray[np.float64]:
    shape = np.broadcast_shapes(members.shape[:-1], climate.shape[:-1])
    both = [np.broadcast_to(each, (*shape, each.shape[-1])) for each in (members, climate)]
    lowest = np.minimum(*(each.min(axis=-1) for each in both))
    highest = np.maximum(*(each.max(axis=-1) for each in both))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = mannwhitneyu(*both, axis=-1, alternative=alternative, method="asymptotic").pvalue
    found = np.where(lowest == highest, 1.0, found)
    return np.asarray(np.where(np.isnan(lowest + highest), np.nan, found))
