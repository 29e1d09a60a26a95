"""The file of an explanation: what an outcome of a run hangs on, as CF-1.11 NetCDF."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from forecast.products.files import cf

AXES = {"lead_time": "time", "member": "realization"}
"""Names of dimensions in the file, where they are others."""
LABELS = {"channel": "channel of the model", "perturbation": "perturbation of the check"}
NUMBERS = {"ring": ("outer edge of a ring around the place", "km")}
HORIZONTAL = {"latitude", "longitude"}
SPACE_AND_TIME = {"lead_time", "input_time", *HORIZONTAL}


def write_explanation(explanation: xr.Dataset, out: Path, attributes: Mapping[str, str]) -> Path:
    """Write an explanation as CF-1.11 NetCDF.

    Args:
        explanation: As `plumecast.explain` returns it, with dims lead_time, channel, latitude and others.
        out: The file to create or replace, atomically.
        attributes: Global attributes; title, institution, source, history and references are required.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A gradient is not finite.
        ConfigurationError: A global attribute is missing, or the disk cannot be written.
    """
    _check_finite(explanation)
    axes = cf.ForecastAxes(
        explanation["latitude"].values,
        explanation["longitude"].values,
        np.datetime64(explanation["init_time"].values.item(), "ns"),
        explanation["lead_time"].values,
    )
    with atomic_path(out) as partial, disk_errors(out), netCDF4.Dataset(partial, "w", format="NETCDF4") as target:
        cf.write_global_attributes(target, dict(attributes))
        cf.write_axes(target, axes, accumulation=None)
        _write_coordinates(target, explanation)
        for name, field in explanation.data_vars.items():
            _write_field(target, str(name), field)
        for name, value in explanation.attrs.items():
            target.setncattr(f"plumecast_{name}", value)
    return out


def _check_finite(explanation: xr.Dataset) -> None:
    for name, field in explanation.data_vars.items():
        if set(field.dims) >= HORIZONTAL and not np.isfinite(field.values).all():
            raise InvalidDataError(f"explanation, {name}: expected finite values, found others")


def _write_coordinates(target: netCDF4.Dataset, explanation: xr.Dataset) -> None:
    for name, size in explanation.sizes.items():
        if AXES.get(str(name), name) not in target.dimensions:
            target.createDimension(AXES.get(str(name), str(name)), size)
    for name, words in LABELS.items():
        label = target.createVariable(name, str, (name,))
        label.setncattr("long_name", words)
        label[:] = np.array(explanation[name].values, dtype=object)
    realization = target.createVariable("realization", "i4", ("realization",))
    realization.setncatts({"standard_name": "realization", "long_name": "member number", "units": "1"})
    realization[:] = explanation["member"].values
    for name, (words, units) in NUMBERS.items():
        if name in explanation.coords:
            edge = target.createVariable(name, "f8", (name,))
            edge.setncatts({"long_name": words, "units": units})
            edge[:] = explanation[name].values
    times = target.createVariable("input_time", "i8", ("input_time",))
    reference = target.variables["forecast_reference_time"]
    times.setncatts({"standard_name": "time", "long_name": "valid time of a state that the members start from"})
    times.setncatts({key: reference.getncattr(key) for key in ("units", "calendar", "units_metadata")})
    times[:] = explanation["input_time"].values.astype("datetime64[s]").astype(np.int64)


def _write_field(target: netCDF4.Dataset, name: str, field: xr.DataArray) -> None:
    """Write a field; its dimensions other than time and place come first, as CF recommends."""
    others = [dim for dim in field.dims if dim not in SPACE_AND_TIME]
    field = field.transpose(*others, *(dim for dim in field.dims if dim in SPACE_AND_TIME))
    dims = tuple(AXES.get(str(dim), str(dim)) for dim in field.dims)
    on_map = set(dims) >= HORIZONTAL
    options: dict[str, Any] = dict(cf.COMPRESSION) if on_map else {"fill_value": cf.FILL_VALUE}
    variable = target.createVariable(name, "f4" if on_map else "f8", dims, **options)
    scalars = ["forecast_reference_time", *(["forecast_period"] if "time" in dims else [])]
    variable.setncatts({"long_name": str(field.attrs["long_name"]), "units": str(field.attrs["units"])})
    if field.attrs["units"] == cf.TEMPERATURE_UNITS:
        variable.setncattr("units_metadata", f"temperature: {'on_scale' if name == 'outcome' else 'difference'}")
    if on_map:
        variable.setncattr("grid_mapping", cf.GRID_MAPPING)
    variable.setncattr("coordinates", " ".join(scalars))
    variable[:] = _filled(field.values)


def _filled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values with the file's fill value where a share is not defined."""
    return np.where(np.isfinite(values), values, cf.FILL_VALUE)
