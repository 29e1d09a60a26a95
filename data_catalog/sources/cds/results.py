"""What the Climate Data Store sends: GRIB, old and new NetCDF, or several files of them in a zip.

Which release a time is of stands in `expver`: 1 for ERA5, 5 for ERA5T, which is preliminary. Source: ECMWF, "ERA5: data
documentation", and "Conversion table for accumulated variables"
"""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axes import as_analysis
from data_catalog.sources.files import open_each
from data_catalog.sources.formats import format_of
from data_catalog.sources.grib.library import open_message
from data_catalog.sources.grib.messages import find_fields
from data_catalog.sources.reading import netcdf_dataset, one_line
from data_catalog.storage.atomic_files import atomic_path
from data_catalog.storage.disks import as_full_disk

_PRELIMINARY = frozenset({"0005", "5", "5.0"})
_KNOWN = _PRELIMINARY | {"0001", "1", "1.0"}
_RELEASE = "expver"
_MOST_FILES, _MOST_BYTES, _PIECE_BYTES = 64, 200 * 1024**3, 8 * 1024**2
_ZIP = b"PK\x03\x04"
_ENCRYPTED = 1


def files_of(path: Path) -> list[Path]:
    """Return the files that a result holds: itself, or those of a zip, unpacked beside it under names of our own.

    Args:
        path: The result.

    Raises:
        InvalidDataError: The zip is damaged, encrypted or too large.
        FullDiskError: There is no room for its files.
    """
    with path.open("rb") as file:
        if file.read(4) != _ZIP:
            return [path]
    folder = path.with_suffix(".unpacked")
    if not folder.is_dir():
        try:
            with zipfile.ZipFile(path) as archive, atomic_path(folder) as partial:
                partial.mkdir()
                _unpack(archive, partial, path)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            # NotImplementedError is zipfile's for a compression that it does not know, RuntimeError for a password.
            damaged = InvalidDataError(f"{path}: expected a zip that can be unpacked, found {one_line(error)}")
            raise as_full_disk(error, folder) or damaged from error
    return sorted(folder.iterdir())


def _unpack(archive: zipfile.ZipFile, folder: Path, path: Path) -> None:
    members = [member for member in archive.infolist() if not member.is_dir()]
    total = sum(member.file_size for member in members)
    if not 0 < len(members) <= _MOST_FILES or total > _MOST_BYTES:
        raise InvalidDataError(
            f"{path}: expected 1 to {_MOST_FILES} files of at most {_MOST_BYTES} bytes, found {len(members)} of {total}"
        )
    for number, member in enumerate(members):
        if member.flag_bits & _ENCRYPTED:
            raise InvalidDataError(f"{path}: expected files that can be read, found an encrypted one")
        left = member.file_size
        with archive.open(member) as packed, (folder / f"{number:02d}").open("wb") as out:
            while piece := packed.read(_PIECE_BYTES):
                left -= len(piece)
                if left < 0:
                    raise InvalidDataError(f"{path}: expected {member.file_size} bytes of a file, found more")
                out.write(piece)


def open_results(path: Path, *, ensemble: bool) -> list[tuple[str, xr.Dataset]]:
    """Open the known fields of a result lazily, on our axes.

    Args:
        path: The result.
        ensemble: Whether each analysis is an ensemble.

    Returns:
        Name and content of each file, as `open_each` returns them.

    Raises:
        InvalidDataError: A file is damaged, or of another format.
    """
    return [part for file in files_of(path) for part in open_each(file, ensemble=ensemble)]


def preliminary_times(path: Path) -> NDArray[np.datetime64]:
    """Return the times of a result that are preliminary, ascending.

    Args:
        path: The result.

    Raises:
        InvalidDataError: It is of a release that is not known.
    """
    found = [time for file in files_of(path) for time in _preliminary(file)]
    return np.unique(np.array(found, "datetime64[ns]"))


def _preliminary(file: Path) -> Iterator[np.datetime64]:
    if format_of(file) == "grib":
        yield from _preliminary_in_grib(file)
        return
    dataset = netcdf_dataset(file, decode_timedelta=False)
    if _RELEASE not in dataset.variables:
        return
    releases = [_spelled(value) for value in np.atleast_1d(dataset[_RELEASE].values)]
    _check_releases(releases, file)
    times = as_analysis(dataset.drop_vars(_RELEASE) if _RELEASE not in dataset.dims else dataset, str(file))["time"]
    if _RELEASE in dataset.dims:
        yield from _of_dimension(dataset, releases, times.values)
    else:
        yield from _of_times(releases, times.values, file)


def _of_times(releases: Sequence[str], times: NDArray[np.datetime64], file: Path) -> Iterator[np.datetime64]:
    """One release of the file, or one of each time."""
    of_time = [*releases] * len(times) if len(releases) == 1 else [*releases]
    if len(of_time) != len(times):
        raise InvalidDataError(f"{file}: expected an {_RELEASE} of each time, found {len(releases)} of {len(times)}")
    yield from (time for time, release in zip(times, of_time, strict=True) if release in _PRELIMINARY)


def _of_dimension(
    dataset: xr.Dataset, releases: Sequence[str], times: NDArray[np.datetime64]
) -> Iterator[np.datetime64]:
    """Times whose values stand in the preliminary release of an old file."""
    field = next(one for one in dataset.values() if _RELEASE in one.dims and one.ndim > 1)
    time_dim = next(str(dim) for dim in field.dims if dim != _RELEASE and field.sizes[dim] == len(times))
    for at, release in enumerate(releases):
        if release in _PRELIMINARY:
            one = field.isel({_RELEASE: at})
            held = one.notnull().any([dim for dim in one.dims if dim != time_dim]).values
            yield from times[held]


def _preliminary_in_grib(file: Path) -> Iterator[np.datetime64]:
    with file.open("rb") as opened:
        for place, header in find_fields(opened, str(file)):
            what = f"{file}: message at byte {place.start}"
            with open_message(header, what) as message:
                release = message.text(_RELEASE)
                day, hour = message.whole("validityDate"), message.whole("validityTime")
            _check_releases([release], file)
            if release in _PRELIMINARY:
                text = f"{day:08d}"
                yield np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:]}T{(hour or 0) // 100:02d}", "ns")


def _check_releases(releases: Sequence[str], file: Path) -> None:
    odd = next((release for release in releases if release not in _KNOWN), None)
    if odd is not None:
        raise InvalidDataError(f"{file}: expected {_RELEASE} 0001 (ERA5) or 0005 (ERA5T), found {odd!r}")


def _spelled(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
