"""Reading ensemble forecasts of any layout: Plumecast files, foreign NetCDF, and Zarr in WeatherBench2's layout."""

from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.coordinates import SPELLINGS
from data_catalog.layout.forecast_checks import checked_forecast
from data_catalog.layout.times import iso
from data_catalog.layout.variables import VARIABLES
from data_catalog.sources.reading import in_stored_chunks, netcdf_dataset, one_line
from data_catalog.sources.zarr_stores import is_zarr, open_complete
from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import CYCLE_NAME

AXES = ("init_time", "member", "lead_time")
KINDS = {
    "init_time": ("M", "times"),
    "member": ("iu", "integers"),
    "lead_time": ("m", "durations with units (such as hours)"),
}
LEVELS_PRESENT = "levels_present"
"""Attribute of a Zarr variable that lacks some of the levels: those that it has, in hPa."""


def open_forecast(location: Path | str, *, chunked: bool = True) -> xr.Dataset:
    """Open an ensemble forecast of any known layout, lazily.

    Args:
        location: A run directory, a forecast file, or anyone's ensemble as NetCDF or WeatherBench2-layout Zarr.
        chunked: Whether fields are Dask arrays, one block a field, or xarray's own lazy arrays.

    Returns:
        One variable per channel, such as `z500`, in SI units, dims (member, lead_time, latitude, longitude), and the
        coordinate `init_time` (UTC): a scalar, or the first dimension where a store holds several initial times.

    Raises:
        MissingDataError: Nothing is there, or the run has no manifest and so does not exist for readers.
        InvalidDataError: It cannot be read as an ensemble forecast. Reading a value that is missing or impossible
            raises it too, where fields are Dask arrays.
    """
    path = Path(location)
    if not path.exists():
        raise MissingDataError(f"forecast {path}: expected a run, a NetCDF file or a Zarr store, found nothing")
    if path.is_dir() and is_run(path):
        run = RunDirectory.at(path)
        if not run.manifest.exists():
            raise MissingDataError(f"run {path}: expected manifest.json, found none; the run is not finished")
        path = run.forecast
    forecast = canonical_forecast(open_store(path, chunked=chunked), path)
    return checked_forecast(forecast, where=f"forecast {path}") if chunked else forecast


def is_run(path: Path) -> bool:
    """Whether a directory is a run's: named for an initial time, or holding a manifest."""
    return CYCLE_NAME.fullmatch(path.resolve().name) is not None or (path / "manifest.json").exists()


def open_store(path: Path, *, chunked: bool) -> xr.Dataset:
    """Open a NetCDF file or Zarr store as it is, lazily.

    Args:
        path: The file or store.
        chunked: Whether fields are Dask arrays in the chunks of the store, or xarray's own lazy arrays.

    Raises:
        InvalidDataError: It is neither, or cannot be read.
    """
    if path.is_dir() and not is_zarr(path):
        raise InvalidDataError(
            f"forecast {path}: expected a run, a NetCDF file or a Zarr store, found another directory"
        )
    try:
        opened = open_complete if is_zarr(path) else netcdf_dataset
        dataset = opened(path, decode_timedelta=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InvalidDataError(f"forecast {path}: expected a readable forecast, found {one_line(error)}") from error
    return in_stored_chunks(dataset, f"forecast {path}") if chunked else dataset


def canonical_forecast(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    """Bring a forecast of any layout into the form that `open_forecast` returns.

    Args:
        dataset: As it was opened.
        path: Where it comes from, for errors.

    Returns:
        One variable per channel, in SI units, dims ([init_time,] member, lead_time, latitude, longitude).

    Raises:
        InvalidDataError: It has no lead times or initial time, or no field of the variable table.
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
    for name in AXES:
        dataset = _rename_first(dataset, SPELLINGS[name], name)
    if "lead_time" in dataset.dims and "init_time" not in dataset.variables and "time" in dataset.variables:
        # WeatherBench2 and cfgrib call the initial time `time`.
        dataset = dataset.rename(time="init_time")
    if "lead_time" not in dataset.dims and "init_time" in dataset.coords:
        dataset = _with_leads_of_times(dataset)
    if "member" not in dataset.variables and "member" not in dataset.dims:
        dataset = dataset.assign_coords(member=0)
    for name in AXES:
        _check_axis(dataset, name, path)
    return _canonical_fields(dataset.drop_vars(["valid_time", "time"], errors="ignore"), path)


def _with_leads_of_times(dataset: xr.Dataset) -> xr.Dataset:
    """Replace valid times by lead times, where there is one initial time."""
    name = next((name for name in ("time", "valid_time") if name in dataset.dims), None)
    if name is None or dataset["init_time"].size != 1:
        return dataset
    leads = dataset[name].values - dataset["init_time"].values.reshape(())
    return dataset.drop_vars("lead_time", errors="ignore").rename({name: "lead_time"}).assign_coords(lead_time=leads)


def _check_axis(dataset: xr.Dataset, name: str, path: Path) -> None:
    """Check that an axis exists, has the right kind of values along one dimension, and repeats none."""
    if name not in dataset.coords:
        found = ", ".join(sorted(map(str, dataset.coords)))
        raise InvalidDataError(
            f"forecast {path}: expected a coordinate {name} (or {', '.join(SPELLINGS[name][1:])}), found {found}"
        )
    axis = dataset[name]
    kinds, words = KINDS[name]
    if axis.dtype.kind not in kinds:
        raise InvalidDataError(f"forecast {path}: expected {words} as {name}, found {axis.dtype}")
    values = np.atleast_1d(axis.values)
    if values.ndim > 1:
        raise InvalidDataError(f"forecast {path}: expected {name} along one dimension, found {list(axis.dims)}")
    if not values.size or bool(axis.isnull().any()):
        found = "some missing" if values.size else "none"
        raise InvalidDataError(f"forecast {path}: expected values of {name}, found {found}")
    different, counts = np.unique(values, return_counts=True)
    if counts.max() > 1:
        raise InvalidDataError(
            f"forecast {path}: expected each {name} once, found {_spelled(different[counts.argmax()])} twice"
        )


def _spelled(value: np.generic) -> str:
    if isinstance(value, np.timedelta64):
        return f"{float(value / np.timedelta64(1, 'h')):g} h"
    return iso(value) if isinstance(value, np.datetime64) else str(value)


def _canonical_fields(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    """Bring names, units and grid into canonical form, with the forecast's own dimensions under neutral names."""
    axes = {name: np.atleast_1d(dataset[name].values) for name in AXES}
    whole = dataset.expand_dims([name for name in axes if name not in dataset.dims])
    fields = whole[[name for name, field in whole.data_vars.items() if set(axes) <= set(field.dims)]]
    hidden = {name: f"forecast_{name}" for name in axes}
    bare = fields.drop_vars(list(axes)).rename_dims(hidden)
    canonical = canonicalise(bare, where=f"forecast {path}", along=tuple(hidden.values()))
    canonical = canonical.drop_vars(_absent_channels(dataset), errors="ignore")
    found = canonical.rename_dims({theirs: ours for ours, theirs in hidden.items()}).assign_coords(
        init_time=axes["init_time"].astype("datetime64[ns]"),
        member=axes["member"].astype(np.int64),
        lead_time=axes["lead_time"].astype("timedelta64[ns]"),
    )
    return found.squeeze("init_time") if found.sizes["init_time"] == 1 else found


def _absent_channels(dataset: xr.Dataset) -> list[str]:
    """List the channels of a shared level axis that a variable declares absent."""
    short_names = {variable.era5_name: variable.short_name for variable in VARIABLES.values()}
    return [
        f"{short_names.get(str(name), name)}{level:g}"
        for name, field in dataset.data_vars.items()
        if LEVELS_PRESENT in field.attrs and "level" in field.coords
        for level in set(field["level"].values.tolist()) - set(np.atleast_1d(field.attrs[LEVELS_PRESENT]).tolist())
    ]


def _rename_first(dataset: xr.Dataset, names: tuple[str, ...], target: str) -> xr.Dataset:
    for name in names:
        if name in dataset.variables or name in dataset.dims:
            return dataset if name == target else dataset.rename({name: target})
    return dataset
