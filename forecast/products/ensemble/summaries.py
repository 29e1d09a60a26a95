"""Mean, spread and quantiles of the members of a field."""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.products.ensemble.arguments import member_dimension


def ensemble_mean(members: xr.DataArray, *, member_dim: Hashable | None = None) -> xr.DataArray:
    """Mean of the members.

    Args:
        members: Ensemble: `member_dim` and any other dimensions; NumPy or Dask inside.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        Dims, unit and attributes of `members`, less `member_dim`; NaN where a member is missing.

    Raises:
        InvalidDataError: There are no members.
    """
    return members.mean([member_dimension(members, member_dim)], skipna=False, keep_attrs=True)


def ensemble_spread(members: xr.DataArray, *, member_dim: Hashable | None = None) -> xr.DataArray:
    """Standard deviation of the members, with M - 1 in its denominator.

    Args:
        members: Ensemble: `member_dim` and any other dimensions; NumPy or Dask inside.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        Dims, unit and attributes of `members`, less `member_dim`; NaN where a member is missing, and for one member.

    Raises:
        InvalidDataError: There are no members.
    """
    return members.std([member_dimension(members, member_dim)], ddof=1, skipna=False, keep_attrs=True)


def ensemble_quantile(
    members: xr.DataArray, levels: float | Sequence[float], *, member_dim: Hashable | None = None
) -> xr.DataArray:
    """Quantiles of the members, linear between them (method 7 of Hyndman and Fan, 1996).

    Args:
        members: Ensemble: `member_dim` and any other dimensions; NumPy or Dask inside.
        levels: Level or levels from 0 to 1.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        Dims, unit and attributes of `members`, less `member_dim`, with `quantile` first for several levels; NaN where a
        member is missing.

    Raises:
        ConfigurationError: A level is not within 0 to 1.
        InvalidDataError: There are no members.
    """
    along = member_dimension(members, member_dim)
    if not np.all((np.asarray(levels) >= 0) & (np.asarray(levels) <= 1)):
        raise ConfigurationError(f"quantile: expected levels from 0 to 1, found {levels}")
    whole = members if members.chunks is None else members.chunk({along: -1})
    return whole.quantile(levels, [along], skipna=False, keep_attrs=True)
