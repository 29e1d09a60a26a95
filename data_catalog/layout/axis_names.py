"""How the axes of anyone's dataset are recognised: by standard name, name, kind of values and units.

Sources: CF Metadata Conventions 1.11, standard names; Unidata, `_CoordinateAxisType` of netCDF-Java
"""

import re
from typing import Any, Literal

import numpy as np
import xarray as xr

from data_catalog.layout.units import linear
from data_catalog.layout.variables import is_field_name

Kind = Literal["instant", "duration", "number", "text", "absent"]
SPELLINGS: dict[str, tuple[str, ...]] = {
    "time": (
        "time", "valid_time", "validtime", "datetime", "verification_time", "target_time", "time_index", "date",
        "times", "T",
    ),
    "latitude": ("latitude", "lat", "latitudes", "lats", "nav_lat", "xlat", "Y"),
    "longitude": ("longitude", "lon", "longitudes", "lons", "long", "nav_lon", "xlong", "X"),
    "level": (
        "level", "pressure_level", "isobaricInhPa", "isobaricInPa", "plev", "lev", "pressure", "levels",
        "pressure_levels", "isobaric", "air_pressure", "P",
    ),
    "member": (
        "member", "realization", "number", "ensemble", "ensemble_member", "ens", "sample", "mem", "eps", "ens_member",
        "members", "realisation", "ensemble_members", "perturbation", "perturbation_number", "perturbationnumber",
        "ensmem", "M",
    ),
    "lead_time": (
        "lead_time", "forecast_period", "prediction_timedelta", "step", "lead", "leadtime", "forecast_hour",
        "forecast_lead_time", "forecast_lead", "forecast_step", "fhour", "timedelta", "time_delta", "lead_hours",
        "forecast_time", "forecast_time0", "L",
    ),
    "init_time": (
        "init_time", "forecast_reference_time", "initial_time", "initialization_time", "reftime", "start_date", "init",
        "ref_time", "reference_time", "start_time", "initialisation_time", "inittime", "initial_time0", "base_time",
        "basetime", "run_time", "forecast_init_time", "init_date", "issue_time", "start", "cycle", "S",
    ),
}  # fmt: skip
"""What sources call each axis; our own name is the first. A single letter counts for a dimension alone."""
VALID_TIME_NAMES = frozenset({"valid_time", "validtime", "datetime", "verification_time", "target_time"})
"""Spellings that can mean no start of a forecast, as a bare `time` does in many files."""
_STANDARD_NAMES = {
    "forecast_reference_time": "init_time",
    "forecast_period": "lead_time",
    "realization": "member",
    "latitude": "latitude",
    "longitude": "longitude",
    "air_pressure": "level",
}
_AXIS_TYPES = {
    "Time": "time",
    "RunTime": "init_time",
    "Ensemble": "member",
    "Lat": "latitude",
    "Lon": "longitude",
    "Pressure": "level",
}
_NOT_PRESSURE = re.compile("sigma|hybrid|height|altitude|depth|theta|potential|model_level|grid_latitude|projection")
_NAMES = {name.lower(): role for role, names in SPELLINGS.items() for name in names if len(name) > 1}
_LETTERS = {name: role for role, names in SPELLINGS.items() for name in names if len(name) == 1}
_MOST_DIMS = {"member": 1, "level": 1, "latitude": 2, "longitude": 2}
_ISO_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}(:\d{2}(\.\d{1,9})?)?)?(Z|[+]00:?00)?)?")
_MOST_TEXTS = 100_000
_NORTH = re.compile(r"degrees?_?n(orth)?", re.IGNORECASE)
_EAST = re.compile(r"degrees?_?e(ast)?", re.IGNORECASE)


def units_of(variable: xr.Variable) -> str:
    """Return a variable's unit as it is spelled, empty where it has none.

    Args:
        variable: A coordinate or field.
    """
    return str(variable.attrs.get("units", "")).strip()


def kind_of(variable: xr.Variable | None) -> Kind:
    """Return what the values of a coordinate are, whether or not whoever opened the file decoded them.

    Args:
        variable: The coordinate; None for a dimension without values.
    """
    if variable is None:
        return "absent"
    if variable.dtype.kind in "Mm":
        return "instant" if variable.dtype.kind == "M" else "duration"
    if variable.dtype.kind == "O" and variable.size and _is_cftime(variable.values.ravel()[0]):
        return "instant"
    if variable.dtype.kind not in "iuf":
        return "text" if iso_texts(variable) is None else "instant"
    units = units_of(variable)
    if " since " in units:
        return "instant"
    return "duration" if units and linear(units, "s") is not None else "number"


def iso_texts(variable: xr.Variable) -> np.ndarray | None:
    """Return texts that are all times by ISO 8601 in UTC, as datetime64 parses them; None if they are anything else.

    Args:
        variable: Of texts, as bytes, strings or objects.
    """
    if variable.dtype.kind not in "SUOT" or not 0 < variable.size <= _MOST_TEXTS:
        return None
    texts = np.array([_text(value) for value in variable.values.ravel()])
    if not all(_ISO_TEXT.fullmatch(text) for text in texts.tolist()):
        return None
    return np.array([re.sub(r"(Z|[+]00:?00)$", "", text) for text in texts.tolist()]).reshape(variable.shape)


def _text(value: Any) -> str:
    text = value.decode("latin1") if isinstance(value, bytes) else value
    return text.strip() if isinstance(text, str) else ""


def _is_cftime(value: Any) -> bool:
    return hasattr(value, "calendar") and hasattr(value, "timetuple")


def role_of(name: str, variable: xr.Variable | None, *, is_dim: bool) -> str | None:
    """Return which axis a coordinate is: a key of `SPELLINGS`, or None for none of them.

    A CF standard name says more than a name does, except `time`, which starts of forecasts often carry too.

    Args:
        name: Of the coordinate.
        variable: The coordinate; None for a dimension without values.
        is_dim: Whether it is a dimension of the dataset, with or without values.
    """
    kind = kind_of(variable)
    standard = "" if variable is None else str(variable.attrs.get("standard_name", "")).strip().lower()
    dims = 1 if variable is None else variable.ndim
    axis_type = "" if variable is None else str(variable.attrs.get("_CoordinateAxisType", ""))
    named = _NAMES.get(name.lower()) or (_LETTERS.get(name) if is_dim else None)
    named = named or (_name_of_axis(name, variable, kind) if is_dim else None)
    later = "time" if standard == "time" else None
    for role in (_STANDARD_NAMES.get(standard), named, later, _AXIS_TYPES.get(axis_type)):
        fitting = _fitting(role, kind) if role and dims <= _MOST_DIMS.get(role, dims) else None
        if fitting is not None and not (fitting == "level" and _is_other_level(variable, standard)):
            return fitting
    return None


def _name_of_axis(name: str, variable: xr.Variable | None, kind: Kind) -> str | None:
    """The axis that a dimension of an unknown name is, by its units and the kind of its values."""
    units = "" if variable is None else units_of(variable)
    if _NORTH.fullmatch(units):
        return "latitude"
    if _EAST.fullmatch(units):
        return "longitude"
    if kind == "instant":
        return "time"
    if kind == "duration":
        return "lead_time"
    is_vertical = variable is not None and str(variable.attrs.get("axis", "")) == "Z"
    return "level" if is_vertical and linear(units, "hPa") is not None else None


def _fitting(role: str, kind: Kind) -> str | None:
    """The axis, as far as the kind of values allows it: a `time` that is a duration is a lead time."""
    if role in {"time", "lead_time"} and kind in {"instant", "duration"}:
        return "time" if kind == "instant" else "lead_time"
    if role == "member":
        return role
    allowed = {"instant", "number", "text", "absent"} if role in {"init_time", "time", "lead_time"} else set()
    return role if kind in (allowed or {"number", "absent"}) else None


def _is_other_level(variable: xr.Variable | None, standard: str) -> bool:
    """Whether a level is a height, depth or model level: no pressure."""
    units = "" if variable is None else units_of(variable)
    return bool(_NOT_PRESSURE.search(standard)) or any(linear(units, other) is not None for other in ("m", "K"))


def coordinate_roles(dataset: xr.Dataset) -> dict[str, str]:
    """Return the axis that each variable of a dataset is, for those that are one.

    Fields, bounds and what has no role are left out. Dimensions come first, then scalars, then others by their number
    of dimensions, and the spellings of one axis in the order of `SPELLINGS`.

    Args:
        dataset: As xarray opens it.
    """
    bounds = {str(variable.attrs.get("bounds", "")) for variable in dataset.variables.values()}
    found: list[tuple[tuple[int, ...], str, str]] = []
    for key, variable in dataset.variables.items():
        name = str(key)
        is_dim = variable.dims == (key,)
        if name in bounds or (not is_dim and is_field_name(name)):
            continue
        role = role_of(name, variable, is_dim=is_dim)
        if role is not None:
            spelled = [spelling.lower() for spelling in SPELLINGS[role]]
            place = spelled.index(name.lower()) if name.lower() in spelled else len(spelled)
            found.append(((0 if is_dim else 1, variable.ndim, place), name, role))
    return {name: role for _, name, role in sorted(found)}


def dimension_roles(dataset: xr.Dataset, dims: tuple[str, ...]) -> dict[str, str]:
    """Return the axis that each dimension is, for those that are one.

    A dimension without a name or values that say so takes the axis of the one coordinate that lies along it, such as
    `y` of `latitude(y)`. A time along another axis, such as `init_time(member)`, makes it no time.

    Args:
        dataset: As xarray opens it.
        dims: Those to look at.
    """
    coordinates = coordinate_roles(dataset)
    roles: dict[str, str] = {}
    for dim in dims:
        variable = dataset.variables.get(dim)
        own = variable if variable is not None and variable.dims == (dim,) else None
        role = coordinates.get(dim) if own is not None else role_of(dim, None, is_dim=True)
        if role is not None:
            roles[dim] = role
    for name, role in coordinates.items():
        lies_along = dataset.variables[name].dims
        free = len(lies_along) == 1 and lies_along[0] in dims and lies_along[0] not in roles
        if free and role in _MOST_DIMS and role not in roles.values():
            roles[str(lies_along[0])] = role
    return roles
