"""Analyses from NetCDF and GRIB files, Zarr groups, or directories of them."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.canonical import canonicalise, present_channels, recognised_channels
from data_catalog.layout.checks import check_analysis, check_channels, check_same_grid
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from data_catalog.sources.absences import Absence, with_absences
from data_catalog.sources.formats import NETCDF_SUFFIXES, format_of, open_stored
from data_catalog.sources.grib.opening import SUFFIXES as GRIB_SUFFIXES
from data_catalog.sources.locations import Location, parse_location
from data_catalog.sources.reading import in_blocks, open_netcdf
from data_catalog.sources.references import are_references
from data_catalog.sources.remote_files import RemoteFiles
from data_catalog.sources.yearly_names import Years, are_named_rightly, of_years
from data_catalog.sources.zarr_stores import is_zarr, open_zarr

_LOG = logging.getLogger(__name__)
_SUFFIXES = GRIB_SUFFIXES | NETCDF_SUFFIXES
_BLOCK_BYTES = 512 * 1024


def open_files(
    location: Path | str,
    channels: Sequence[str],
    static: Sequence[str] = (),
    *,
    ensemble: bool = False,
    chunks_below: Sequence[str] = (),
    years: Years | None = None,
) -> xr.Dataset:
    """Open a file, a Zarr group, or several of either as a checked analysis.

    In a directory, one channel may be split in time over several files, and different channels may be in different
    files. Files on another grid than most are left out; the analysis says so of their times.

    Args:
        location: Path or URL of a NetCDF or GRIB file, a Zarr group or references of kerchunk (`.json`, `.parq`); a
            directory; or a pattern of file names (`speedy_*.nc`, `s3://bucket/era5_*.grib`).
        channels: Channels to read.
        static: Channels without time to read as well.
        ensemble: Whether each analysis is an ensemble, all of whose members are read.
        chunks_below: Folders and URLs that references of kerchunk may refer to besides their own.
        years: First and last year that are wanted; files that are named for other ones are not opened. None for all.

    Raises:
        ConfigurationError: The location does not exist or holds no data files.
        InvalidDataError: The data is not a readable analysis with these channels; names the file.
    """
    opened = open_each(location, ensemble=ensemble, chunks_below=chunks_below, years=years)
    if years is not None and not are_named_rightly(opened):
        opened = open_each(location, ensemble=ensemble, chunks_below=chunks_below)
    return join_files(opened, location, channels, static, ensemble=ensemble)


def join_files(
    opened: Sequence[tuple[str, xr.Dataset]],
    location: Path | str,
    channels: Sequence[str],
    static: Sequence[str],
    *,
    ensemble: bool = False,
) -> xr.Dataset:
    """Join the fields of the files of a location to a checked analysis.

    Args:
        opened: Name and content of each file, as `open_each` returns them.
        location: As `open_files` takes it.
        channels: Channels to read.
        static: Channels without time to read as well.
        ensemble: Whether each analysis is an ensemble.

    Raises:
        InvalidDataError: The data is not a readable analysis with these channels; names the file.
    """
    path = parse_location(location)
    if len(opened) == 1 and _is_one(path):
        return _from_one(opened[0][1], channels, static, opened[0][0], ensemble=ensemble)
    return combine(opened, channels, static, str(path), ensemble=ensemble)


def open_every_channel(location: Path | str) -> xr.Dataset:
    """Open all channels of a location that are known by their names as a checked analysis.

    Args:
        location: As `open_files` takes it.

    Raises:
        ConfigurationError: The location does not exist or holds no data files.
        InvalidDataError: The data is not a readable analysis; names the file.
    """
    opened = open_each(location)
    if len(opened) == 1:
        file, dataset = opened[0]
        return check_analysis(canonicalise(dataset, where=file), where=file)
    names = dict.fromkeys(name for file, dataset in opened for name in recognised_channels(dataset, where=file))
    static = [name for name in names if channel(name).variable.static]
    return combine(opened, [name for name in names if name not in static], static, str(location))


def open_each(
    location: Path | str,
    *,
    ensemble: bool = False,
    chunks_below: Sequence[str] = (),
    years: Years | None = None,
) -> list[tuple[str, xr.Dataset]]:
    """Open the known fields of each file of a location lazily, on our axes, in the names and units of the file.

    Args:
        location: As `open_files` takes it.
        ensemble: Whether each analysis is an ensemble.
        chunks_below: Folders and URLs that references of kerchunk may refer to besides their own.
        years: First and last year that are wanted, as `open_files` takes them.

    Returns:
        Name and content of each file, sorted by name; of a GRIB file, one for each grid and each set of times.

    Raises:
        ConfigurationError: The location does not exist or holds no data files, or GRIB cannot be read here.
        InvalidDataError: A file is damaged, has an unknown format or is no analysis.
    """
    every = _each(location)
    chosen = every if years is None else of_years(every, years)
    return [(str(place), dataset) for place in chosen for dataset in _analyses_of(place, ensemble, chunks_below)]


def _analyses_of(place: Location, ensemble: bool, chunks_below: Sequence[str]) -> list[xr.Dataset]:
    """The parts of a file or store that are analyses; if none is, the error says why."""
    if format_of(place) == "zarr":
        return [open_zarr(place, ensemble=ensemble, chunks_below=chunks_below)]
    if format_of(place) == "netcdf" and isinstance(place, Path):
        return [open_netcdf(place, ensemble=ensemble)]
    analyses, refused = [], []
    for dataset in open_stored(place):
        try:
            analyses.append(in_blocks(dataset, str(place), block_bytes=_BLOCK_BYTES, ensemble=ensemble))
        except InvalidDataError as error:
            refused.append((error, ", ".join(map(str, dataset.data_vars))))
    if not analyses:
        raise refused[0][0]
    for reason, fields in refused:
        _LOG.warning("%s: %s left out", reason, fields)
    return analyses


def contents_of_each(location: Path | str, *, chunks_below: Sequence[str] = ()) -> list[tuple[str, xr.Dataset]]:
    """Open all variables of each file of a location as they are.

    Args:
        location: As `open_files` takes it.
        chunks_below: Folders and URLs that references of kerchunk may refer to besides their own.

    Raises:
        ConfigurationError: The location does not exist or holds no data files.
        InvalidDataError: A file is damaged or has an unknown format.
    """
    return [
        (str(place), dataset) for place in _each(location) for dataset in open_stored(place, chunks_below=chunks_below)
    ]


def _each(location: Path | str) -> Sequence[Location]:
    """The files and stores of a location."""
    path = parse_location(location)
    if _is_one(path):
        return [path]
    return _listed_in_store(path) if isinstance(path, str) else _listed(path)


def _is_one(place: Location) -> bool:
    """Whether a location is a single file or store."""
    if isinstance(place, str):
        return "*" not in place.rpartition("/")[2]
    return place.is_file() or is_zarr(place) or (place.is_dir() and are_references(place))


def _listed_in_store(pattern: str) -> list[Location]:
    """Return the files of a pattern in a bucket, sorted by name."""
    folder, _, names = pattern.rpartition("/")
    found = RemoteFiles(folder).matching(names)
    if not found:
        raise ConfigurationError(f"{pattern}: expected files of such names, found none")
    return [f"{folder}/{name}" for name in found]


def _listed(path: Path) -> list[Path]:
    """Return the files of a directory or a pattern, sorted by name."""
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.suffix.lower() in _SUFFIXES or is_zarr(file)]
    else:
        files = sorted(path.parent.glob(path.name))
    if not files:
        expected = (
            "NetCDF files, GRIB files or Zarr groups in the directory" if path.is_dir() else "a file or directory"
        )
        raise ConfigurationError(f"{path}: expected {expected}, found none")
    return files


def _from_one(
    dataset: xr.Dataset, channels: Sequence[str], static: Sequence[str], where: str, *, ensemble: bool = False
) -> xr.Dataset:
    return check_analysis(canonicalise(dataset, channels, static, where=where, ensemble=ensemble), where=where)


def combine(
    opened: Iterable[tuple[str, xr.Dataset]],
    channels: Sequence[str],
    static: Sequence[str],
    where: str,
    *,
    ensemble: bool = False,
) -> xr.Dataset:
    """Combine the pieces of an analysis that several files hold: channels, years, or both.

    Args:
        opened: Name and content of each file, lazily and on our axes.
        channels: Channels to read.
        static: Channels without time to read as well.
        where: The files together; errors start with it.
        ensemble: Whether each analysis is an ensemble.

    Raises:
        InvalidDataError: A channel is not there, is there twice for a time, or lacks times that others have.
    """
    analyses = []
    for file, dataset in opened:
        found = present_channels(dataset, (*channels, *static))
        if found:
            analyses.append((file, _from_one(dataset, found, (), file, ensemble=ensemble)))
    analyses, left_out = _on_usual_grid(analyses)
    fields = {}
    for name in (*channels, *static):
        parts = [(file, analysis[name]) for file, analysis in analyses if name in analysis]
        if parts:
            fields[name] = _joined(name, parts, analyses[0], name in static)
    check_channels(xr.Dataset(fields), [*channels, *static], where=where)
    _check_same_times(fields, channels, where)
    combined = xr.Dataset(fields, attrs=analyses[0][1].attrs)
    return with_absences(combined, left_out) if left_out else combined


def _on_usual_grid(analyses: list[tuple[str, xr.Dataset]]) -> tuple[list[tuple[str, xr.Dataset]], list[Absence]]:
    """Return the analyses on the grid that most files share, and why the times of each of the others are not there."""
    shapes = Counter((analysis.sizes["latitude"], analysis.sizes["longitude"]) for _, analysis in analyses)
    if len(shapes) < 2:
        return analyses, []
    (usual, files), (_, others) = shapes.most_common(2)
    if files == others:
        raise InvalidDataError(f"{Path(analyses[0][0]).parent}: expected one grid, found files on {list(shapes)}")
    kept, left_out = [], []
    for file, analysis in analyses:
        shape = (analysis.sizes["latitude"], analysis.sizes["longitude"])
        if shape == usual:
            kept.append((file, analysis))
        else:
            reason = f"{file}: left out, its grid {shape} is not that of most files {usual}"
            _LOG.warning("%s", reason)
            if "time" in analysis.coords:
                first, last = analysis["time"].values[[0, -1]].astype("datetime64[s]").astype(str).tolist()
                left_out.append(Absence(first, last, reason))
    return kept, left_out


def _joined(
    name: str, parts: list[tuple[str, xr.DataArray]], whose_grid: tuple[str, xr.Dataset], static: bool
) -> xr.DataArray:
    """Concatenate one channel along time, from the file with the earliest times to the file with the latest.

    Files may round a grid differently, also those of different channels: all are put on the grid of one file.
    """
    first_file, first = whose_grid
    latitude, longitude = first["latitude"].values, first["longitude"].values
    aligned = []
    for file, part in parts:
        check_same_grid(part.to_dataset(), latitude, longitude, where=f"{file}: {name} (grid of {first_file})")
        aligned.append((file, part.assign_coords(latitude=first["latitude"], longitude=first["longitude"])))
    if static or len(aligned) == 1:
        return aligned[0][1]
    aligned.sort(key=lambda pair: pair[1]["time"].values[0])
    for (earlier, before), (later, after) in pairwise(aligned):
        last, start = before["time"].values[-1], after["time"].values[0]
        if start <= last:
            raise InvalidDataError(
                f"{later}: {name} at {iso(start)}: expected times after those of {earlier}, found an overlap"
            )
    joined: xr.DataArray = xr.concat([part for _, part in aligned], "time", join="exact", coords="minimal")
    return joined.assign_attrs(parts[0][1].attrs)


def _check_same_times(fields: dict[str, xr.DataArray], channels: Sequence[str], where: str) -> None:
    times = fields[channels[0]]["time"].values
    for name in channels[1:]:
        odd = np.setxor1d(times, fields[name]["time"].values)
        if odd.size:
            raise InvalidDataError(
                f"{where}: expected the same times for {channels[0]} and {name}, found {iso(odd[0])} in one only"
            )
