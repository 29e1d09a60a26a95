"""Readers of ensemble forecasts: our own files, other people's NetCDF, and Zarr in the layout of WeatherBench2."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.conventions import canonicalise
from data_catalog.errors import InvalidDataError
from forecast.products.runs import CYCLE_NAME

MEMBER_NAMES = ("member", "realization", "number", "ensemble", "ensemble_member", "ens", "sample")
LEAD_NAMES = ("lead_time", "forecast_period", "prediction_timedelta", "step", "lead", "leadtime")
INIT_NAMES = ("init_time", "forecast_reference_time", "initial_time", "reftime")
ZARR_MARKS = ("zarr.json", ".zgroup", ".zmetadata")
# Names that WeatherBench2 gives to variables; others keep the short name of the variable table.
WEATHERBENCH2_NAMES = {
    "z": "geopotential",
    "t": "temperature",
    "u": "u_component_of_wind",
    "v": "v_component_of_wind",
    "w": "vertical_velocity",
    "q": "specific_humidity",
    "msl": "mean_sea_level_pressure",
    "sp": "surface_pressure",
    "t2m": "2m_temperature",
    "d2m": "2m_dewpoint_temperature",
    "u10": "10m_u_component_of_wind",
    "v10": "10m_v_component_of_wind",
    "sst": "sea_surface_temperature",
    "tp6": "total_precipitation_6hr",
    "tp24": "total_precipitation_24hr",
}
LEVELS_PRESENT = "levels_present"
"""Attribute of a Zarr variable that lacks some of the levels: those that it has, in hPa."""
HOUR = np.timedelta64(1, "h")


def is_run(path: Path) -> bool:
    """Whether a directory is a run's: named for a cycle, or holding a manifest."""
    return CYCLE_NAME.fullmatch(path.resolve().name) is not None or (path / "manifest.json").exists()


def open_store(path: Path, *, chunked: bool) -> xr.Dataset:
    """Open a NetCDF file or Zarr store as it is.

    Raises:
        InvalidDataError: It is neither, or cannot be read.
    """
    is_zarr = path.is_dir() and any((path / mark).exists() for mark in ZARR_MARKS)
    if path.is_dir() and not is_zarr:
        raise InvalidDataError(
            f"forecast {path}: expected a run, a NetCDF file or a Zarr store, found another directory"
        )
    chunks: dict[str, Any] | None = {} if chunked else None
    try:
        if is_zarr:
            consolidated = (path / ".zmetadata").exists()
            return xr.open_dataset(path, engine="zarr", chunks=chunks, consolidated=consolidated, decode_timedelta=True)
        return xr.open_dataset(path, engine="netcdf4", chunks=chunks, decode_timedelta=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidDataError(f"forecast {path}: cannot be read ({detail})") from error


def canonical_forecast(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    """Put any readable forecast into our words and order.

    Raises:
        InvalidDataError: It has no ensemble, lead or initial time, or fields that the variable table does not know.
    """
    if {"realization", "forecast_period"} <= set(dataset.variables) and "forecast_reference_time" in dataset.coords:
        return _own_layout(dataset)
    return _foreign_layout(dataset, path)


def _own_layout(dataset: xr.Dataset) -> xr.Dataset:
    lead_time = dataset["forecast_period"].values.astype("timedelta64[ns]")
    init_time = dataset["forecast_reference_time"].values.astype("datetime64[ns]")
    fields = [name for name, field in dataset.data_vars.items() if {"time", "latitude", "longitude"} <= set(field.dims)]
    renamed = dataset[fields].reset_coords(drop=True).rename(time="lead_time", realization="member")
    return renamed.assign_coords(lead_time=("lead_time", lead_time), init_time=init_time)


def _foreign_layout(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    dataset = _rename_first(dataset, MEMBER_NAMES, "member")
    dataset = _rename_first(dataset, LEAD_NAMES, "lead_time")
    dataset = _rename_first(dataset, INIT_NAMES, "init_time")
    if "lead_time" in dataset.dims and "init_time" not in dataset.variables and "time" in dataset.variables:
        # WeatherBench2 and cfgrib call the start `time`.
        dataset = dataset.rename(time="init_time")
    if "lead_time" not in dataset.dims and "time" in dataset.dims and "init_time" in dataset.coords:
        leads = dataset["time"].values - dataset["init_time"].values
        dataset = (
            dataset.drop_vars("lead_time", errors="ignore").rename(time="lead_time").assign_coords(lead_time=leads)
        )
    for name, kinds in (("member", "iu"), ("lead_time", "m"), ("init_time", "M")):
        if name not in dataset.coords:
            found = sorted(map(str, dataset.coords))
            raise InvalidDataError(f"forecast {path}: expected a coordinate for {name}, found {found}")
        if dataset[name].dtype.kind not in kinds:
            expected = {"iu": "integers", "m": "durations with units", "M": "times"}[kinds]
            raise InvalidDataError(f"forecast {path}: expected {expected} as {name}, found {dataset[name].dtype}")
    dataset = dataset.drop_vars([name for name in ("valid_time", "time") if name in dataset.coords])
    return _canonical_fields(dataset, path)


def _canonical_fields(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    """Let the catalogue read names, units and grid, which it does for one axis of times: cycles, members and leads."""
    axes = {name: np.atleast_1d(dataset[name].values) for name in ("init_time", "member", "lead_time")}
    whole = dataset.expand_dims([name for name in axes if name not in dataset.dims])
    fields = whole[[name for name, field in whole.data_vars.items() if set(axes) <= set(field.dims)]]
    stacked = fields.stack(time=list(axes), create_index=False).drop_vars(list(axes))
    numbered = stacked.assign_coords(time=np.datetime64("1970-01-01", "ns") + np.arange(stacked.sizes["time"]) * HOUR)
    canonical = canonicalise(numbered, where=f"forecast {path}")
    canonical = canonical.drop_vars(_absent_channels(dataset), errors="ignore")
    shape = {name: values.size for name, values in axes.items()}
    found = xr.Dataset(
        {name: _unstacked(canonical[name], shape) for name in canonical.data_vars},
        coords={"latitude": canonical["latitude"], "longitude": canonical["longitude"]},
        attrs=dataset.attrs,
    ).assign_coords(
        init_time=axes["init_time"].astype("datetime64[ns]"),
        lead_time=axes["lead_time"].astype("timedelta64[ns]"),
        member=axes["member"].astype(np.int64),
    )
    return found.squeeze("init_time") if shape["init_time"] == 1 else found


def _absent_channels(dataset: xr.Dataset) -> list[str]:
    """Channels that a shared level axis has room for, but that the variable says it does not have."""
    short_names = {theirs: ours for ours, theirs in WEATHERBENCH2_NAMES.items()}
    return [
        f"{short_names.get(str(name), name)}{level:g}"
        for name, field in dataset.data_vars.items()
        if LEVELS_PRESENT in field.attrs and "level" in field.coords
        for level in set(field["level"].values.tolist()) - set(np.atleast_1d(field.attrs[LEVELS_PRESENT]).tolist())
    ]


def _unstacked(field: xr.DataArray, shape: dict[str, int]) -> xr.DataArray:
    ordered = field.transpose("time", "latitude", "longitude")
    data = ordered.data.reshape(*shape.values(), *ordered.shape[1:])
    return xr.DataArray(data, dims=(*shape, "latitude", "longitude"), attrs=field.attrs)


def _rename_first(dataset: xr.Dataset, names: tuple[str, ...], target: str) -> xr.Dataset:
    for name in names:
        if name in dataset.variables or name in dataset.dims:
            return dataset if name == target else dataset.rename({name: target})
    return dataset
