"""Groups of points that scores are given for, such as seasons, hours of the day, or land and sea."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from forecast.verification.checks import UnscorableError


def group_weights(labels: xr.DataArray, groups: Sequence[Any] | None = None) -> xr.DataArray:
    """Weights of 1 in each group and 0 outside, which make the groups a dimension of a score.

    `crps(forecast, analysis, reduce="init_time", weights=group_weights(forecast["init_time"].dt.season))` is the CRPS
    of each season. Times `area_weights`, groups are averaged by area.

    Args:
        labels: Group of each point, on any dimensions of the forecast: numbers, text or booleans, such as
            `.dt.season`, `.dt.hour` or a land mask. A missing label (NaN) is in no group.
        groups: Labels wanted, in this order; all that there are, sorted, when None.

    Returns:
        Float64 along a dimension of the name of `labels` (`group` if it has none, or that of one of its dimensions),
        then along its dimensions.

    Raises:
        UnscorableError: No point has a label that is wanted.
    """
    if not isinstance(labels, xr.DataArray):
        raise UnscorableError(f"labels: expected a DataArray with named dimensions, found {type(labels).__name__}")
    found = np.unique(labels.values[labels.notnull().values])
    wanted = found if groups is None else np.asarray(groups)
    unknown = [group for group in wanted.tolist() if group not in found.tolist()]
    if unknown or not wanted.size:
        raise UnscorableError(f"groups: expected labels among {found.tolist()}, found {unknown or 'none'}")
    name = _name(labels)
    label = xr.DataArray(wanted, dims=[name], name=name)
    chosen: xr.DataArray = xr.concat([labels == group for group in wanted], label)
    return chosen.astype(np.float64).drop_attrs().rename(f"{name}_weight")


def _name(labels: xr.DataArray) -> str:
    taken = {*labels.dims, *labels.coords}
    return "group" if labels.name is None or labels.name in taken else str(labels.name)
