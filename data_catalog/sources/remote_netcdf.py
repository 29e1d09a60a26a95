"""NetCDF files at a URL, of which only the metadata and the chunks that are wanted are fetched.

NetCDF 4 is read by ranges. The records of a NetCDF 3 file hold a piece of every variable, so such a file is fetched
whole, to a temporary file.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock

import h5netcdf
import xarray as xr
from xarray.backends import H5NetCDFStore

from data_catalog.errors import InvalidDataError, PlumecastError
from data_catalog.sources.netcdf_groups import fields_of
from data_catalog.sources.reading import check_first_bytes, decoded, netcdf_dataset, one_line
from data_catalog.sources.remote_files import RangedFile, RemoteFile, Version, fetch
from data_catalog.storage.patience import ask, patience_for

_OLD = b"CDF"


def remote_netcdf_dataset(url: str, *, decode_timedelta: bool = False) -> xr.Dataset:
    """Open a NetCDF file at a URL lazily; values that the file declares invalid are missing.

    Args:
        url: http://, https://, s3://, gs:// or az://, without a query.
        decode_timedelta: Whether to decode durations.

    Raises:
        ConfigurationError: The URL has a query.
        InvalidDataError: The file is not NetCDF, is damaged, has no variable, or has fields in several groups.
        MissingDataError: There is no such file, or it cannot be reached.
    """
    file = RemoteFile.at(url)
    return ask(lambda: _opened(file, decode_timedelta), patience_for(url), url)


def _opened(file: RemoteFile, decode_timedelta: bool) -> xr.Dataset:
    start = file.read(0, 4)
    check_first_bytes(start, file.name)
    version = file.version()
    if start.startswith(_OLD):
        return netcdf_dataset(_local_copy(file, version), decode_timedelta=decode_timedelta)
    try:
        # A reader in Python: those on the HDF5 library crash at the end of a process that has read from such a file.
        opened = h5netcdf.File(RangedFile(file, version), "r", decode_vlen_strings=True, backend="pyfive")
        lock = Lock()  # Nothing is shared with other files.

        def group(path: str) -> xr.Dataset:
            store = H5NetCDFStore(opened, group=path or None, lock=lock)
            return decoded(store, file.name, decode_timedelta=decode_timedelta)

        return fields_of(opened, file.name, group)
    except PlumecastError:
        raise
    except Exception as error:
        raise InvalidDataError(f"{file.name}: expected a readable NetCDF file, found {one_line(error)}") from error


@cache
def _local_copy(file: RemoteFile, version: Version) -> Path:
    """Fetch a file to a directory that is removed at the end of the process."""
    directory = Path(tempfile.mkdtemp(prefix="plumecast-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    copy = directory / file.path
    fetch(file, version.size, copy)
    return copy
