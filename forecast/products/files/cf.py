"""Metadata that forecast files and products files share: coordinates, bounds, grid mapping and field attributes.

Source: NetCDF Climate and Forecast (CF) Metadata Conventions 1.11
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.cells import Cells
from data_catalog.layout.quantities import Channel
from data_catalog.layout.variables import channel

CONVENTIONS = "CF-1.11"
REQUIRED_ATTRIBUTES = ("title", "institution", "source", "history", "references")
GRID_MAPPING = "crs"
EARTH_RADIUS_M = 6371229.0
FILL_VALUE = float(netCDF4.default_fillvals["f4"])
TEMPERATURE_UNITS = "K"
COMPRESSION: Mapping[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True, "fill_value": FILL_VALUE}
SECOND = np.timedelta64(1, "s")
HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True)
class ForecastAxes:
    """The grid and the times of the fields of one cycle.

    Attributes:
        latitude: Degrees north, ascending.
        longitude: Degrees east, ascending.
        init_time: Init time.
        lead_times: Ascending, positive.
    """

    latitude: npt.NDArray[np.float64]
    longitude: npt.NDArray[np.float64]
    init_time: np.datetime64
    lead_times: npt.NDArray[np.timedelta64]

    @property
    def valid_times(self) -> npt.NDArray[np.datetime64]:
        """Init time plus lead time, one for each lead."""
        times: npt.NDArray[np.datetime64] = self.init_time + self.lead_times
        return times


def read_axes(dataset: netCDF4.Dataset) -> tuple[ForecastAxes, np.timedelta64 | None]:
    """Read the axes of a forecast file or products file.

    Args:
        dataset: An open file.

    Returns:
        The axes, and the interval that the file's sums and means are taken over; None if it holds neither.
    """
    dataset.set_auto_mask(False)
    latitude, longitude, time = (dataset.variables[name][:] for name in ("latitude", "longitude", "time"))
    init_seconds = np.int64(dataset.variables["forecast_reference_time"][...])
    axes = ForecastAxes(
        np.asarray(latitude, dtype=np.float64),
        np.asarray(longitude, dtype=np.float64),
        np.datetime64("1970-01-01", "ns") + init_seconds * SECOND,
        ((np.asarray(time) - init_seconds) * SECOND).astype("timedelta64[ns]"),
    )
    if "time_bnds" not in dataset.variables:
        return axes, None
    bounds = np.asarray(dataset.variables["time_bnds"][0])
    return axes, np.int64(bounds[1] - bounds[0]) * SECOND


def check_axes(axes: ForecastAxes) -> None:
    """Check that coordinates are finite and strictly increasing, and that lead times are positive.

    Args:
        axes: The axes to check.

    Raises:
        InvalidDataError: A coordinate is empty, not finite or not strictly increasing, or a lead time is not positive.
    """
    hours = np.asarray(axes.lead_times) / HOUR
    for name, values in (("latitude", axes.latitude), ("longitude", axes.longitude), ("lead_time", hours)):
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all() or np.any(np.diff(values) <= 0):
            raise InvalidDataError(
                f"forecast coordinate {name}: expected finite, strictly increasing values, found others"
            )
    if hours[0] <= 0:
        raise InvalidDataError(f"forecast coordinate lead_time: expected positive leads, found {hours[0]:g} h")
    if np.isnat(axes.init_time):
        raise InvalidDataError("forecast coordinate init_time: expected a time, found NaT")


def write_global_attributes(dataset: netCDF4.Dataset, attributes: Mapping[str, str]) -> None:
    """Write the global attributes, with Conventions first.

    Args:
        dataset: Dataset that is open for writing.
        attributes: Attributes by name; title, institution, source, history and references are required.

    Raises:
        ConfigurationError: One of these is missing or empty.
    """
    missing = [name for name in REQUIRED_ATTRIBUTES if not attributes.get(name, "").strip()]
    if missing:
        raise ConfigurationError(
            f"forecast file: expected a global attribute {missing[0]!r} with some text, found none"
        )
    dataset.setncattr("Conventions", CONVENTIONS)
    for name, value in attributes.items():
        if name != "Conventions":
            dataset.setncattr(name, value)


def write_axes(dataset: netCDF4.Dataset, axes: ForecastAxes, *, accumulation: np.timedelta64 | None) -> None:
    """Write the dimensions and coordinates of time and grid, and the grid mapping.

    Args:
        dataset: Dataset that is open for writing, without these dimensions.
        axes: Axes that `check_axes` has checked.
        accumulation: Interval, ending at each valid time, that sums and means are taken over; None writes no time
            bounds.
    """
    dataset.createDimension("time", axes.lead_times.size)
    dataset.createDimension("latitude", axes.latitude.size)
    dataset.createDimension("longitude", axes.longitude.size)
    dataset.createDimension("bnds", 2)
    _write_time(dataset, axes, accumulation)
    cells = Cells(axes.latitude, axes.longitude)
    _write_horizontal(dataset, "latitude", axes.latitude, "degrees_north", "Y", cells.latitude_bounds)
    _write_horizontal(dataset, "longitude", axes.longitude, "degrees_east", "X", cells.longitude_bounds)
    mapping = dataset.createVariable(GRID_MAPPING, "i4")
    mapping.setncatts({"grid_mapping_name": "latitude_longitude", "earth_radius": EARTH_RADIUS_M})


def _write_time(dataset: netCDF4.Dataset, axes: ForecastAxes, accumulation: np.timedelta64 | None) -> None:
    seconds = _seconds(axes.valid_times)
    encoding = {"units": "seconds since 1970-01-01", "calendar": "standard", "units_metadata": "leap_seconds: none"}
    time = dataset.createVariable("time", "i8", ("time",))
    time.setncatts({"standard_name": "time", "long_name": "valid time", "axis": "T", **encoding})
    time[:] = seconds
    if accumulation is not None:
        time.setncattr("bounds", "time_bnds")
        bounds = dataset.createVariable("time_bnds", "i8", ("time", "bnds"))
        bounds[:] = np.stack([seconds - int(accumulation / SECOND), seconds], axis=1)
    reference = dataset.createVariable("forecast_reference_time", "i8")
    reference.setncatts({"standard_name": "forecast_reference_time", "long_name": "initial time", **encoding})
    reference[...] = _seconds(np.asarray(axes.init_time))
    period = dataset.createVariable("forecast_period", "f8", ("time",))
    period.setncatts({"standard_name": "forecast_period", "long_name": "lead time", "units": "hours"})
    period[:] = axes.lead_times / HOUR


def _write_horizontal(
    dataset: netCDF4.Dataset,
    name: str,
    values: npt.NDArray[np.float64],
    units: str,
    axis: str,
    bounds: npt.NDArray[np.float64],
) -> None:
    coordinate = dataset.createVariable(name, "f8", (name,))
    coordinate.setncatts({"standard_name": name, "long_name": name, "units": units, "axis": axis})
    coordinate.setncattr("bounds", f"{name}_bnds")
    coordinate[:] = values
    dataset.createVariable(f"{name}_bnds", "f8", (name, "bnds"))[:] = bounds


def _seconds(times: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    seconds: npt.NDArray[np.int64] = np.asarray(times, dtype="datetime64[s]").astype(np.int64)
    return seconds


def accumulation_of(channels: Sequence[str], step_hours: int) -> np.timedelta64 | None:
    """Find the interval that the sums and means among some channels are taken over.

    Args:
        channels: Names such as `tp24`.
        step_hours: Interval in hours where the variable table gives none.

    Returns:
        The interval; None if every channel is instantaneous.

    Raises:
        ConfigurationError: Two channels have different intervals, which the bounds of one time axis cannot express.
    """
    hours = {
        name: int(channel(name).variable.accumulation_hours or step_hours)
        for name in channels
        if not channel(name).variable.cell_methods.startswith("time: point")
    }
    if len(set(hours.values())) > 1:
        found = ", ".join(f"{name} {value} h" for name, value in hours.items())
        raise ConfigurationError(f"forecast file: accumulated channels must share one interval, found {found}")
    return np.timedelta64(next(iter(hours.values())), "h") if hours else None


def write_level(dataset: netCDF4.Dataset, of: Channel) -> None:
    """Write the scalar coordinate that holds a channel's pressure, unless the file has it or the channel has no level.

    Args:
        dataset: Dataset that is open for writing.
        of: The channel.
    """
    name = level_coordinate(of)
    if name is None or name in dataset.variables or of.level_hpa is None:
        return
    level = dataset.createVariable(name, "f8")
    level.setncatts({"standard_name": "air_pressure", "long_name": f"pressure level of {of.level_hpa:g} hPa"})
    level.setncatts({"units": "Pa", "positive": "down"})
    level[...] = float(of.level_hpa) * 100.0


def keep_one_chunk(variable: "netCDF4.Variable[Any]") -> None:
    """Limit a variable's chunk cache to one chunk, because each chunk is read or written once.

    Args:
        variable: Variable of an open file.
    """
    chunks = variable.chunking()
    size = 0 if chunks == "contiguous" else int(np.prod(chunks)) * variable.dtype.itemsize
    variable.set_var_chunk_cache(size=size, nelems=7, preemption=1.0)


def level_coordinate(of: Channel) -> str | None:
    """Name the scalar coordinate that holds a channel's pressure.

    Args:
        of: The channel.

    Returns:
        The name, such as `pressure_level_500`; None if the channel has no level.
    """
    return None if of.level_hpa is None else f"pressure_level_{of.level_hpa:g}"


def field_attributes(of: Channel, *, cell_methods: str = "", difference: bool = False) -> dict[str, str]:
    """Compose the CF attributes of a field.

    Args:
        of: The channel.
        cell_methods: Methods applied after that of the variable table, such as `realization: mean`.
        difference: Whether the field is a difference of values, such as a spread; this matters for temperatures.

    Returns:
        Attributes by name.
    """
    variable = of.variable
    level = "" if of.level_hpa is None else f" at {of.level_hpa:g} hPa"
    scalars = ["forecast_reference_time", "forecast_period", level_coordinate(of)]
    attributes = {"standard_name": variable.standard_name} if variable.standard_name else {}
    attributes |= {
        "long_name": f"{variable.long_name}{level}",
        "units": variable.units,
        "cell_methods": f"{variable.cell_methods} {cell_methods}".strip(),
        "grid_mapping": GRID_MAPPING,
        "coordinates": " ".join(name for name in scalars if name),
    }
    if variable.units == TEMPERATURE_UNITS:
        attributes["units_metadata"] = f"temperature: {'difference' if difference else 'on_scale'}"
    return attributes
