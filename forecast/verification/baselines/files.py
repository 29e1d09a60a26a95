"""The file of fitted baselines: one NetCDF file beside a checkpoint."""

from pathlib import Path

import netCDF4
import xarray as xr

from data_catalog.errors import InvalidDataError, PlumecastError
from data_catalog.sources.declared_sizes import check_declared_sizes
from data_catalog.statistics.analogues import AnalogueIndex
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from forecast.verification.baselines.fitted import Baselines
from forecast.verification.baselines.linear_model import LinearModel
from forecast.verification.baselines.past_dates import PastDates

FORMAT = "1"
_ENCODING = {"zlib": True, "complevel": 6, "fletcher32": True}
MEAN = "mean_"
"""Begins the names of the variables that hold the mean seasonal cycle of a channel."""


def save_baselines(baselines: Baselines, path: Path) -> Path:
    """Write fitted baselines to one NetCDF file, whole or not at all.

    Args:
        baselines: What to write.
        path: File to write or replace.

    Returns:
        `path`.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    packed = _pack(baselines)
    encoding = {
        name: {"zlib": True, "complevel": 6, "fletcher32": True}
        for name, field in packed.items()
        if field.dtype.kind != "U"
    }
    with atomic_path(path) as partial, disk_errors(path):
        packed.to_netcdf(partial, engine="netcdf4", encoding=encoding)
    return path


def load_baselines(path: Path) -> Baselines:
    """Read fitted baselines.

    Args:
        path: File that `save_baselines` wrote.

    Raises:
        InvalidDataError: The file is absent or damaged, or holds no baselines.
    """
    try:
        with netCDF4.Dataset(path) as file:
            check_declared_sizes(file, path, whole=True)
        with xr.open_dataset(path, engine="netcdf4") as stored:
            return _unpack(stored.load())
    except PlumecastError:
        raise
    except Exception as error:  # decoding an attribute that is none of a kind raises whatever it meets
        fault = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidDataError(f"baselines {path}: expected fitted baselines in NetCDF, found {fault}") from None


def _pack(baselines: Baselines) -> xr.Dataset:
    climatology = baselines.climatology.rename({name: MEAN + name for name in baselines.channels})
    deviations = xr.Dataset(
        {"deviation": ("channel", list(baselines.deviations.values()))}, coords={"channel": list(baselines.channels)}
    )
    attributes = {"title": "Plumecast baselines", "format": FORMAT, "step_hours": baselines.step_hours}
    parts = [climatology, deviations, baselines.linear.to_dataset(), baselines.dates.to_dataset()]
    if baselines.analogues is not None:
        parts.append(baselines.analogues.to_dataset())
    return xr.merge(parts, combine_attrs="override", join="outer", compat="no_conflicts").assign_attrs(attributes)


def _unpack(stored: xr.Dataset) -> Baselines:
    if stored.attrs.get("format") != FORMAT:
        raise ValueError(f"format {stored.attrs.get('format', 'unknown')}")
    names = tuple(str(name) for name in stored["channel"].values)
    climatology = stored[[MEAN + name for name in names]].rename({MEAN + name: name for name in names})
    return Baselines(
        climatology=climatology,
        deviations=dict(zip(names, stored["deviation"].values.tolist(), strict=True)),
        linear=LinearModel.from_dataset(stored),
        dates=PastDates.from_dataset(stored),
        step_hours=int(stored.attrs["step_hours"]),
        analogues=AnalogueIndex.from_dataset(stored) if "analogue_time" in stored else None,
    )
