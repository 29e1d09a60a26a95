"""Reading ensemble forecasts of any layout: Plumecast files, foreign NetCDF and GRIB, and Zarr as in WeatherBench2."""

from pathlib import Path

import numpy as np
import xarray as xr
from pydantic_core import from_json

from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.axis_names import coordinate_roles
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.forecast_checks import checked_forecast
from data_catalog.layout.variables import VARIABLES
from data_catalog.sources.formats import format_of, open_stored
from data_catalog.sources.locations import Location, parse_location
from data_catalog.sources.reading import in_stored_chunks, one_line
from data_catalog.sources.zarr_stores import is_zarr
from forecast.products.files.retired import require_kept
from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import CYCLE_NAME

UNLABELLED_MEMBERS = "unlabelled_members"
"""Attribute of a forecast whose file does not number its members, so that the numbers say nothing."""
CONFIGURATION = "plumecast_configuration"
"""Global attribute of a forecast file that holds its system as JSON."""
LEVELS_PRESENT = "levels_present"
"""Attribute of a Zarr variable that lacks some of the levels: those that it has, in hPa."""


def open_forecast(location: Path | str, *, chunked: bool = True) -> xr.Dataset:
    """Open an ensemble forecast of any known layout, lazily.

    Args:
        location: A run directory, a forecast file, or anyone's ensemble as NetCDF, GRIB or WeatherBench2-layout Zarr,
            by path or URL.
        chunked: Whether fields are Dask arrays, one block a field, or xarray's own lazy arrays.

    Returns:
        One variable per channel, such as `z500`, in SI units, dims (member, lead_time, latitude, longitude), and the
        coordinate `init_time` (UTC): a scalar, or the first dimension where a store holds several initial times. The
        attribute `unlabelled_members` is there where the file does not number its members.

    Raises:
        MissingDataError: Nothing is there, or the run has no manifest and so does not exist for readers.
        ConfigurationError: The members of the run were retired.
        InvalidDataError: It cannot be read as one ensemble forecast. Reading a value that is missing or impossible
            raises it too, where fields are Dask arrays and no run's.
    """
    path = _forecast_place(location)
    forecasts = _forecasts_of(path, chunked)
    if len(forecasts) > 1:
        found = " and ".join(", ".join(map(str, one.data_vars)) for one in forecasts)
        raise InvalidDataError(
            f"forecast {path}: expected the same grid, starts, members and lead times of all fields, found different "
            f"ones of {found}; open each with open_forecasts"
        )
    return forecasts[0]


def open_forecasts(location: Path | str) -> list[xr.Dataset]:
    """Open all ensemble forecasts of a location, lazily.

    Args:
        location: As `open_forecast` takes it.

    Returns:
        Datasets as `open_forecast` returns them: one, but of a GRIB file one for each grid and each set of starts,
        members and lead times.

    Raises:
        MissingDataError: Nothing is there, or the run is not finished.
        InvalidDataError: It cannot be read as an ensemble forecast.
    """
    return _forecasts_of(_forecast_place(location), chunked=True)


def _forecast_place(location: Path | str) -> Location:
    """The file or store of a forecast, which may be that of a run."""
    path = parse_location(location)
    if isinstance(path, str):
        return path
    if not path.exists():
        raise MissingDataError(f"forecast {path}: expected a run, a NetCDF or GRIB file or a Zarr store, found nothing")
    if not path.is_dir() or not is_run(path):
        return path
    run = RunDirectory.at(path)
    if not run.manifest.exists():
        raise MissingDataError(f"run {path}: expected manifest.json, found none; the run is not finished")
    require_kept(run, run.forecast, "members")
    return run.forecast


def _forecasts_of(path: Location, chunked: bool) -> list[xr.Dataset]:
    if format_of(path) == "grib":
        return _grib_forecasts(path, chunked)
    stored = open_store(path, chunked=chunked)
    forecast = canonical_forecast(stored, path)
    forecast.set_close(stored.close)
    # Whatever our own model makes is to be scored, however impossible; the manifest of the run says that it is whole.
    if not chunked or (isinstance(path, Path) and _is_of_run(path)):
        return [forecast]
    labels = [stored[name] for name, role in coordinate_roles(stored).items() if role == "member"]
    if not any(label.dtype.kind in "iuf" for label in labels):
        forecast = forecast.assign_attrs({UNLABELLED_MEMBERS: 1})
    checked = checked_forecast(forecast, where=f"forecast {path}")
    checked.set_close(stored.close)
    return [checked]


def _grib_forecasts(path: Location, chunked: bool) -> list[xr.Dataset]:
    """The parts of a GRIB file that hold known channels; if none does, the error says why."""
    forecasts, errors = [], []
    for dataset in open_stored(path, forecast=True):
        stored = in_stored_chunks(dataset, f"forecast {path}") if chunked else dataset
        try:
            forecasts.append(canonical_forecast(stored, path))
        except InvalidDataError as error:
            errors.append(error)
    if not forecasts:
        raise errors[0]
    return [checked_forecast(one, where=f"forecast {path}") for one in forecasts] if chunked else forecasts


def is_run(path: Path) -> bool:
    """Whether a directory is a run's: named for an initial time, or holding a manifest."""
    return CYCLE_NAME.fullmatch(path.resolve().name) is not None or (path / "manifest.json").exists()


def _is_of_run(path: Path) -> bool:
    """Whether a file or store is the forecast of the run directory that it lies in."""
    place = path.resolve().parent
    if CYCLE_NAME.fullmatch(place.name) is None:
        return False
    run = RunDirectory.at(place)
    return path.name in (run.forecast.name, run.zarr.name)


def open_store(path: Location, *, chunked: bool) -> xr.Dataset:
    """Open a NetCDF file or Zarr store as it is, lazily.

    Args:
        path: The file or store, or the URL of a store.
        chunked: Whether fields are Dask arrays in the chunks of the store, or xarray's own lazy arrays.

    Raises:
        InvalidDataError: It is neither, or cannot be read.
    """
    if isinstance(path, Path) and path.is_dir() and not is_zarr(path):
        raise InvalidDataError(
            f"forecast {path}: expected a run, a NetCDF file or a Zarr store, found another directory"
        )
    try:
        (dataset,) = open_stored(path, decode_timedelta=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InvalidDataError(f"forecast {path}: expected a readable forecast, found {one_line(error)}") from error
    return in_stored_chunks(dataset, f"forecast {path}") if chunked else dataset


def canonical_forecast(dataset: xr.Dataset, path: Location) -> xr.Dataset:
    """Bring a forecast of any layout into the form that `open_forecast` returns.

    Args:
        dataset: As it was opened.
        path: Where it comes from, for errors.

    Returns:
        One variable per channel, in SI units, dims ([init_time,] member, lead_time, latitude, longitude).

    Raises:
        InvalidDataError: It has no lead times or initial time, or no field of the variable table.
    """
    _declare_own_variables(dataset, path)
    canonical = canonicalise(dataset, where=f"forecast {path}", forecast=True)
    return canonical.drop_vars(_absent_channels(dataset), errors="ignore")


def _declare_own_variables(dataset: xr.Dataset, path: Location) -> None:
    """Make the variables known that the system of one of our own files declares."""
    try:
        system = from_json(dataset.attrs.get(CONFIGURATION, "{}"))
        for content in system.get("own_datasets", ()):
            DatasetEntry.model_validate(content)
    except (ValueError, AttributeError) as error:
        raise InvalidDataError(
            f"forecast {path}: {CONFIGURATION}: expected a system, found {one_line(error)}"
        ) from None


def _absent_channels(dataset: xr.Dataset) -> list[str]:
    """List the channels of a shared level axis that a variable declares absent."""
    short_names = {variable.era5_name: variable.short_name for variable in VARIABLES.values()}
    return [
        f"{short_names.get(str(name), name)}{level:g}"
        for name, field in dataset.data_vars.items()
        if LEVELS_PRESENT in field.attrs and "level" in field.coords
        for level in set(field["level"].values.tolist()) - set(np.atleast_1d(field.attrs[LEVELS_PRESENT]).tolist())
    ]
