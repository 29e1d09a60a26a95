"""Finds and opens the analysis that a system is trained on, starts from and is verified against."""

from pathlib import Path

import dask
import dask.threaded
import numpy as np
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.sources.locations import Location, parse_location
from forecast.system.periods import Period
from forecast.system.system import System
from pipelines.workspace.home import Home

if dask.config.get("scheduler", None) is None:
    # Dask would import dask.distributed, which takes a second, only to find that there is no cluster.
    dask.config.set(scheduler=dask.threaded.get)


def find_analysis(home: Home, system: System, given: Location | None = None) -> Location:
    """Return where the analysis of a system lies: the given place, or else the archive of its dataset in this home.

    Args:
        home: Home directory, which holds the archives.
        system: The system.
        given: Archive, file, directory or URL given by the user; None for the archive.

    Raises:
        MissingDataError: No path was given and there is no archive yet.
    """
    if given is not None:
        return parse_location(given)
    archive = home.archive(system.dataset)
    if not archive.exists():
        raise MissingDataError(
            f"archive of '{system.dataset}': expected {archive}, found none; "
            f"make it with 'plumecast ingest {system.dataset}' or name a file with --analysis"
        )
    return archive


def find_globe(home: Home, system: System) -> Path | None:
    """Return the archive of the dataset that a system is pretrained on; None for a system without pretraining.

    Args:
        home: Home directory, which holds the archives.
        system: The system.

    Raises:
        ConfigurationError: The pretraining would use test days of the same weather that the system forecasts.
        MissingDataError: There is no archive yet.
    """
    if system.pretraining is None:
        return None
    name = system.pretraining.dataset
    if name == system.dataset or not (system.entry_of(name).simulated or system.entry.simulated):
        _refuse_test_days(system, system.pretraining.period)
    archive = home.archive(name)
    if not archive.exists():
        raise MissingDataError(
            f"archive of '{name}', which system {system.name} is pretrained on: expected {archive}, found none; "
            f"make it with 'plumecast ingest {name}'"
        )
    return archive


def _refuse_test_days(system: System, period: Period) -> None:
    test = system.periods.test
    if period.overlaps(test):
        raise ConfigurationError(
            f"system {system.name}: pretraining.period: expected days outside the test period {test.start} to "
            f"{test.end}, found {period.start} to {period.end}"
        )


def open_globe(location: Path, system: System) -> xr.Dataset:
    """Open the analysis that a system is pretrained on, lazily.

    Args:
        location: The archive, from `find_globe`.
        system: The system, whose predictands are opened, without static channels.

    Raises:
        InvalidDataError: The data is invalid; names the variable, what was expected and what was found.
    """
    return open_analysis(location, system.state.predictands, ())[list(system.state.predictands)]


def open_system_analysis(location: Location, system: System, *, ensemble: bool = False) -> xr.Dataset:
    """Open an archive, file or directory of files with the channels of a system, lazily.

    Args:
        location: The archive, file, directory or URL.
        system: The system, whose predictands and static channels are opened.
        ensemble: Whether an archive may hold ensembles of analyses.

    Raises:
        ConfigurationError: The path does not exist.
        InvalidDataError: The data is invalid; names the variable, what was expected and what was found.
    """
    static = system.state.static
    analysis = open_analysis(location, system.state.predictands, static, ensemble=ensemble)
    return analysis[list(system.state.predictands + static)]


def scalar(time: xr.DataArray) -> np.datetime64:
    """Return the time of a scalar coordinate, in nanoseconds."""
    return np.datetime64(int(time.values.astype("datetime64[ns]").astype(np.int64)), "ns")
