"""Datasets in place of a DataArray: a function of one field, variable by variable."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import xarray as xr

from forecast.verification.checks import UnscorableError

P = ParamSpec("P")
R = TypeVar("R")


def for_each_variable(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function whose first argument is a DataArray take a Dataset, and refuse anything else in one line.

    Args:
        function: Returns a DataArray, or a Dataset of several results.
    """
    signature = inspect.signature(function)
    role = next(iter(signature.parameters))

    @wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        given = dict(signature.bind(*args, **options).arguments)
        field = given[role]
        if isinstance(field, xr.DataArray):
            return function(*args, **options)
        if not isinstance(field, xr.Dataset):
            raise UnscorableError(f"{role}: expected a DataArray with named dimensions, found {type(field).__name__}")
        results = {str(name): function(**{**given, role: each}) for name, each in field.data_vars.items()}  # type: ignore[call-arg]
        return cast(R, joined_variables(role, results))

    return call


def joined_variables(role: str, results: Mapping[str, Any]) -> xr.Dataset:
    """Results of each variable as a Dataset: DataArrays under its names, Datasets along `variable`.

    Args:
        role: Name of the argument that was a Dataset, with which a message begins.
        results: By name of the variable.

    Raises:
        UnscorableError: There is no variable, or results that are Datasets have other dimensions.
    """
    if not results:
        raise UnscorableError(f"{role}: expected at least one variable, found none")
    if not any(isinstance(each, xr.Dataset) for each in results.values()):
        return xr.Dataset({name: each.rename(name) for name, each in results.items()})
    if len({frozenset(each.sizes.items()) for each in results.values()}) > 1:
        raise UnscorableError(f"{role}: expected variables of the same dimensions, found others among {list(results)}")
    label = xr.DataArray(list(results), dims="variable", name="variable")
    parts = list(results.values())
    joined: xr.Dataset = xr.concat(parts, label, data_vars="all", coords="minimal", compat="override", join="override")
    return joined
