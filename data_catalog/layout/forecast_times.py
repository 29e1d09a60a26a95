"""Starts, lead times and valid times of a dataset, each derived from the other two where it is not there."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axis_names import SPELLINGS, VALID_TIME_NAMES, coordinate_roles, kind_of
from data_catalog.layout.time_values import durations, instants

_TIMES = frozenset({"init_time", "lead_time", "time"})
_HOUR = np.timedelta64(1, "h")
_SAME_TIME = np.timedelta64(1, "m").astype("m8[ns]")


@dataclass(frozen=True)
class ForecastTimes:
    """What a dataset says of time, decoded, each along the dimensions of the dataset or along none.

    Attributes:
        init_time: Starts, datetime64[ns]; None where there are none.
        lead_time: Lead times, timedelta64[ns].
        valid_time: Valid times, datetime64[ns].
        own_dims: The dimension that is named as its values are, of each of these that has one.
        present: Every coordinate of the dataset, for errors.
    """

    init_time: xr.Variable | None
    lead_time: xr.Variable | None
    valid_time: xr.Variable | None
    own_dims: dict[str, str]
    present: str


def read_times(dataset: xr.Dataset, where: str, *, forecast: bool) -> ForecastTimes:
    """Find and decode the starts, lead times and valid times of a dataset.

    Without starts, a bare `time` is the start beside lead times (WeatherBench2, cfgrib) or another time that is called
    the valid one, unless the lead times lie along it or CF's standard name says otherwise.

    Args:
        dataset: As xarray opens it.
        where: File or dataset, to begin an error with.
        forecast: Whether starts and lead times are needed; else those that are no times are passed over.

    Raises:
        InvalidDataError: Times cannot be understood, contradict each other, or could be either starts or valid times.
    """
    names = _named_times(dataset, where, forecast)
    group_units = str(dataset.attrs.get("time_units", ""))
    found: dict[str, xr.Variable] = {}
    for role, name in names.items():
        variable, what = dataset.variables[name], f"{where}: {name}"
        values = durations(variable, what) if role == "lead_time" else instants(variable, what, group_units=group_units)
        found[role] = xr.Variable(variable.dims, values)
    own = {role: name for role, name in names.items() if dataset.variables[name].dims == (name,)}
    present = ", ".join(sorted(map(str, dataset.coords))) or "no coordinates"
    times = ForecastTimes(found.get("init_time"), found.get("lead_time"), found.get("time"), own, present)
    return _completed(times, where)


def _named_times(dataset: xr.Dataset, where: str, forecast: bool) -> dict[str, str]:
    """The coordinate that holds each of the three, by its name; one whose values are times before one with others."""
    roles = {name: role for name, role in coordinate_roles(dataset).items() if role in _TIMES}
    readable = [name for name in roles if kind_of(dataset.variables[name]) in {"instant", "duration"}]
    ordered = [*readable, *(name for name in roles if name not in readable)]
    usable = ordered if forecast else [name for name in ordered if name in readable or roles[name] == "time"]
    found = {roles[name]: name for name in reversed(usable) if roles[name] != "time"}
    times = [name for name in usable if roles[name] == "time"]
    plain = [name for name in times if name.lower() not in VALID_TIME_NAMES]
    if plain and "init_time" not in found and _is_start(dataset, plain[0], found.get("lead_time"), where):
        found["init_time"] = plain[0]
        times.remove(plain[0])
    return {**found, "time": times[0]} if times else found


def _is_start(dataset: xr.Dataset, name: str, lead_name: str | None, where: str) -> bool:
    """Whether a time whose name does not say so is the start of the forecasts."""
    time, lead = dataset.variables[name], dataset.variables[lead_name] if lead_name else None
    others = [other for other, role in coordinate_roles(dataset).items() if role == "time" and other != name]
    is_of_cf = time.attrs.get("standard_name") == "time"
    if lead is None or set(lead.dims) & set(time.dims):
        called_valid = [other for other in others if other.lower() in VALID_TIME_NAMES]
        if called_valid or lead is None:
            return any(_differ(dataset, name, other, where) for other in called_valid)
        if is_of_cf or time.dims == (name,) or (time != time[dict.fromkeys(time.dims, 0)]).values.any():
            return False
    elif others or lead.ndim or not (is_of_cf or lead_name == "forecast_period"):
        return True
    if kind_of(lead) == "duration" and not durations(lead, f"{where}: {lead_name}").astype(np.int64).any():
        return False
    raise InvalidDataError(
        f"{where}: expected a start or a valid time beside the lead time, found {name}, which may be either; "
        "rename it init_time or valid_time"
    )


def _differ(dataset: xr.Dataset, name: str, other: str, where: str) -> bool:
    """Whether two times are not the same ones, so that they cannot both be the valid time."""
    first, second = (
        xr.Variable(dataset.variables[each].dims, instants(dataset.variables[each], f"{where}: {each}"))
        for each in (name, other)
    )
    return bool((np.abs((first - second).values) > _SAME_TIME).any())


def _completed(times: ForecastTimes, where: str) -> ForecastTimes:
    """What two of the three say of the third; all three must agree."""
    init, lead, valid = times.init_time, times.lead_time, times.valid_time
    if init is not None and lead is not None:
        summed = init + lead
        if valid is not None and (np.abs((summed - valid).values) > _SAME_TIME).any():
            raise InvalidDataError(
                f"{where}: expected valid times that are starts plus lead times, found others; correct one of the three"
            )
        return replace(times, valid_time=summed if valid is None else valid)
    if valid is not None and init is not None:
        return replace(times, lead_time=valid - init)
    if valid is not None and lead is not None:
        return replace(times, init_time=valid - lead)
    return times


def start_and_lead_axes(times: ForecastTimes, where: str) -> tuple[xr.Variable, xr.Variable]:
    """Starts and lead times of an ensemble, each along one dimension or along none; one start is a scalar.

    Args:
        times: From `read_times`.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: One is not there, lies along several dimensions or along that of the other, is repeated, or a
            lead time is below zero.
    """
    axes = {}
    for role, variable in (("init_time", times.init_time), ("lead_time", times.lead_time)):
        if variable is None:
            raise InvalidDataError(
                f"{where}: expected a coordinate {role} (or {_spellings(role)}), found {times.present}"
            )
        if not variable.size:
            raise InvalidDataError(f"{where}: expected values of {role}, found none")
        axes[role] = _without_constants(variable, times.own_dims.get(role))
        if axes[role].ndim > 1:
            raise InvalidDataError(
                f"{where}: expected {role} along one dimension, found values that differ along "
                f"{' and '.join(map(str, axes[role].dims))}"
            )
        _check_each_once(axes[role], role, where)
    init, lead = axes["init_time"], axes["lead_time"]
    init = xr.Variable((), init.values.reshape(())) if init.size == 1 else init
    if init.dims and init.dims == lead.dims:
        raise InvalidDataError(
            f"{where}: expected starts and lead times along two dimensions, found both along {init.dims[0]}; write one "
            "file for each start"
        )
    if (lead.values < np.timedelta64(0)).any():
        raise InvalidDataError(
            f"{where}: expected valid times after the start, found a lead_time of {lead.values.min() / _HOUR:g} h"
        )
    return init, lead


def analysis_times(times: ForecastTimes, where: str) -> xr.Variable | None:
    """Valid times of an analysis, along one dimension or none; None where the dataset says nothing of time.

    Args:
        times: From `read_times`.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: It is a forecast with several lead times, or has nothing but a lead time, or no times at all.
    """
    valid = times.init_time if times.valid_time is None else times.valid_time
    if valid is None:
        if times.lead_time is not None:
            raise InvalidDataError(f"{where}: expected times of an analysis, found nothing but a lead time")
        return None
    if not valid.size:
        raise InvalidDataError(f"{where}: expected at least one time, found none")
    lead_dim = times.own_dims.get("lead_time")
    lead = times.lead_time
    several = lead_dim is not None and lead is not None and lead.size > 1
    if several and len(valid.dims) > 1:
        assert lead is not None
        raise InvalidDataError(f"{where}: expected one analysis, found a forecast with {lead.size} lead times")
    reduced = _without_constants(valid, times.own_dims.get("time", times.own_dims.get("init_time")))
    if reduced.ndim > 1:
        raise InvalidDataError(f"{where}: expected times along one dimension, found them along {list(reduced.dims)}")
    return reduced


def _without_constants(variable: xr.Variable, own: str | None) -> xr.Variable:
    """The variable without dimensions along which it does not change, except its own."""
    for dim in variable.dims:
        first = variable.isel({dim: 0})
        if dim != own and (variable.sizes[dim] == 1 or bool((variable == first).all())):
            variable = first
    return variable


def _check_each_once(axis: xr.Variable, role: str, where: str) -> None:
    different, counts = np.unique(axis.values, return_counts=True)
    if counts.max() > 1:
        raise InvalidDataError(f"{where}: expected each {role} once, found {spelled(different[counts.argmax()])} twice")


def spelled(value: np.generic) -> str:
    """Return a value of an axis as a message says it: a time by ISO 8601, a duration in hours.

    Args:
        value: A start, lead time or label of a member.
    """
    if isinstance(value, np.timedelta64):
        return f"{float(value / _HOUR):g} h"
    return f"{np.datetime_as_string(value, unit='m')}Z" if isinstance(value, np.datetime64) else str(value)


def _spellings(role: str) -> str:
    return ", ".join(SPELLINGS[role][1:6]) + " ..."
