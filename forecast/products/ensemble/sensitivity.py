"""What an outcome of an ensemble hangs on: its regression, over the members, on the fields before it."""

from collections.abc import Hashable

import numpy as np
import scipy.stats
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from forecast.products.ensemble.arguments import member_dimension

FEWEST_MEMBERS = 4


def ensemble_sensitivity(
    response: xr.DataArray, state: xr.DataArray, *, member_dim: Hashable | None = None
) -> xr.Dataset:
    """How an outcome changes, over the members, with the state of the weather before it.

    Members whose state is one standard deviation higher at a point have, on average, an outcome that is higher by the
    sensitivity there. That is a regression: it shows what goes together, which need not be a cause. Of a map, some
    points are significant by chance: `scipy.stats.false_discovery_control` adjusts for that.

    Args:
        response: The outcome of each member: `member_dim` alone, or with dimensions of its own, such as the lowest
            pressure of a region or the temperature at a place, in any unit.
        state: The fields before it: `member_dim` and any other dimensions, such as an earlier lead time. Members are
            matched by their coordinate where both have one.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        `sensitivity` in the unit of `response` for one standard deviation of the state, `correlation` from -1 to 1, and
        the two-sided `p_value` of a correlation of zero for independent, normally distributed members, float64, on the
        dimensions of both but `member_dim`. NaN where a member is missing, or all members have one value of the state.

    Raises:
        InvalidDataError: The members of both are not the same, or fewer than 4.

    Source: Ancell and Hakim (2007), eq. 7, doi:10.1175/2007MWR1904.1; Torn and Hakim (2008), doi:10.1175/2007MWR2132.1
    """
    along = member_dimension(state, member_dim)
    outcome = _same_members(response, state, along)
    members = state.sizes[along]
    before, after = (_departures(each, along) for each in (state, outcome))
    covariance = (before * after).sum([along], skipna=False) / (members - 1)
    deviation, spread = ((each**2).sum([along], skipna=False) / (members - 1) for each in (before, after))
    deviation, spread = deviation**0.5, spread**0.5
    sensitivity = covariance / deviation.where(deviation > 0)
    correlation = (sensitivity / spread.where(spread > 0)).clip(-1, 1)
    p_value = xr.apply_ufunc(
        _p_value, correlation, kwargs={"members": members}, dask="parallelized", output_dtypes=[np.float64]
    )
    found = xr.Dataset({"sensitivity": sensitivity, "correlation": correlation, "p_value": p_value})
    unit = response.attrs.get("units", "1")
    for name, words, units in (
        ("sensitivity", "change of the outcome for a standard deviation of the state", unit),
        ("correlation", "correlation of outcome and state over the members", "1"),
        ("p_value", "p-value of no correlation", "1"),
    ):
        found[name].attrs = {"long_name": words, "units": units}
    return found


def _departures(field: xr.DataArray, along: Hashable) -> xr.DataArray:
    exact = field.astype(np.float64)
    return exact - exact.mean([along], skipna=False)


def _same_members(response: xr.DataArray, state: xr.DataArray, along: Hashable) -> xr.DataArray:
    """Return the response in the order of the state's members, without coordinates of a single place or time."""
    if along not in response.dims:
        raise InvalidDataError(f"response: expected dimension '{along}', found {list(response.dims)}")
    bare = response.drop_vars([name for name, coord in response.coords.items() if coord.ndim == 0])
    if along in response.coords and along in state.coords:
        if set(response[along].values.tolist()) != set(state[along].values.tolist()):
            found = f"{response.sizes[along]}, with other labels"
            raise InvalidDataError(f"response: expected the {state.sizes[along]} members of the state, found {found}")
        bare = bare.sel({along: state[along].values})
    elif response.sizes[along] != state.sizes[along]:
        found = str(response.sizes[along])
        raise InvalidDataError(f"response: expected the {state.sizes[along]} members of the state, found {found}")
    if state.sizes[along] < FEWEST_MEMBERS:
        raise InvalidDataError(f"state: expected {FEWEST_MEMBERS} members or more, found {state.sizes[along]}")
    return bare


def _p_value(correlation: NDArray[np.float64], *, members: int) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        statistic = np.abs(correlation) * np.sqrt((members - 2) / (1 - correlation**2))
    return np.asarray(2 * scipy.stats.t.sf(statistic, members - 2))
