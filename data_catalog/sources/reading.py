"""Files and stores opened lazily, with faults that name the file, the variable and the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import dask.array as da
import netCDF4
import numpy as np
import xarray as xr
from obstore.exceptions import BaseError as ObjectStoreError

from data_catalog.errors import InvalidDataError, MissingDataError, PlumecastError
from data_catalog.layout.coordinates import with_our_names, with_times
from data_catalog.layout.times import iso

_CHUNK_CACHE_BYTES = 256 * 1024
_NETCDF_BLOCK_BYTES = 4 * 1024**2
_KINDS_BY_FIRST_BYTES = {
    b"CDF": "NetCDF",
    b"\x89HDF": "NetCDF",
    b"GRIB": "GRIB (convert it to NetCDF first)",
    b"PK": "a zip archive (unpack it first)",
    b"\x1f\x8b": "a gzip file (unpack it first)",
}


def open_netcdf(path: Path) -> xr.Dataset:
    """Open a NetCDF file of any version lazily.

    Args:
        path: The file.

    Raises:
        InvalidDataError: The file is something else, or damaged.
    """
    check_netcdf(path)
    try:
        # The engine is named so that xarray does not try, and so import, every other one it knows.
        with _small_chunk_caches():
            dataset = xr.open_dataset(path, engine="netcdf4", decode_timedelta=False)
    except Exception as error:
        raise InvalidDataError(f"{path}: expected a readable NetCDF file, found {one_line(error)}") from error
    return in_blocks(dataset, str(path), block_bytes=_NETCDF_BLOCK_BYTES)


def check_netcdf(path: Path) -> None:
    """Refuse a file that is not NetCDF by its first bytes.

    Args:
        path: The file.

    Raises:
        InvalidDataError: Says what it is instead, and what to do about it.
    """
    with path.open("rb") as file:
        start = file.read(4)
    kind = next((kind for first, kind in _KINDS_BY_FIRST_BYTES.items() if start.startswith(first)), "neither")
    if kind != "NetCDF":
        raise InvalidDataError(f"{path}: expected NetCDF or Zarr, found {kind}")


@contextmanager
def _small_chunk_caches() -> Iterator[None]:
    """Open files with little cache: by default each variable of each open file may keep 16 MB and more.

    Blocks are read whole and once, so a cache gains nothing, and decades of yearly files would fill the memory.
    """
    before = netCDF4.get_chunk_cache()
    netCDF4.set_chunk_cache(_CHUNK_CACHE_BYTES, before[1], before[2])
    try:
        yield
    finally:
        netCDF4.set_chunk_cache(*before)


def in_blocks(dataset: xr.Dataset, where: str, *, block_bytes: int) -> xr.Dataset:
    """The dataset in our names over Dask, in blocks that follow those of the file.

    Args:
        dataset: As xarray opened it, not loaded.
        where: File or URL; each read that fails names it, with the variable and the times.
        block_bytes: Stored chunks smaller than this are read several at a time.
    """
    dataset = with_times(with_our_names(dataset), where)
    times = dataset["time"].values if "time" in dataset.variables else None
    lazy = {
        name: field.copy(data=_blocks(field, f"{where}: {name}", times, block_bytes))
        for name, field in dataset.items()
        if field.ndim >= 2
    }
    return dataset.assign(lazy)


def _blocks(field: xr.DataArray, what: str, times: np.ndarray | None, block_bytes: int) -> da.Array:
    shape = {str(dim): size for dim, size in field.sizes.items()}
    in_file = tuple(field.encoding.get("preferred_chunks", {}).values())  # in the order of dims, under their old names
    stored = dict(zip(shape, in_file, strict=True)) if len(in_file) == len(shape) else {}
    chunks = {**shape}
    if "level" in shape:
        chunks["level"] = stored.get("level", 1)
    if "time" in shape:
        at_once = stored.get("time", 1)
        bytes_at_once = field.dtype.itemsize * int(np.prod([at_once, *(n for d, n in chunks.items() if d != "time")]))
        chunks["time"] = min(shape["time"], at_once * max(1, block_bytes // max(bytes_at_once, 1)))
    guarded = GuardedVariable(field.variable, what, times if "time" in shape else None)
    name = f"{field.name}-{uuid4().hex}"
    meta = np.empty((0,) * field.ndim, field.dtype)
    blocks: da.Array = da.from_array(guarded, tuple(chunks.values()), name, fancy=False, meta=meta)  # type: ignore[no-untyped-call]
    return blocks


class GuardedVariable:
    """A lazy variable whose failed reads say what was being read.

    Dask slices it like an array.
    """

    def __init__(self, variable: xr.Variable, what: str, times: np.ndarray | None) -> None:
        self._variable = variable
        self._what = what
        self._times = times
        self.shape = variable.shape
        self.ndim = variable.ndim
        self.dtype = variable.dtype

    def __getitem__(self, key: Any) -> np.ndarray:
        try:
            return np.asarray(self._variable[key].values)
        except PlumecastError:
            raise
        except ObjectStoreError as error:
            raise MissingDataError(f"{self._name(key)}: expected an answer, found {one_line(error)}") from error
        except Exception as error:
            raise InvalidDataError(f"{self._name(key)}: expected readable values, found {one_line(error)}") from error

    def _name(self, key: Any) -> str:
        if self._times is None:
            return self._what
        axis = self._variable.dims.index("time")
        chosen = np.atleast_1d(self._times[key[axis] if isinstance(key, tuple) else slice(None)])
        first, last = iso(chosen[0]), iso(chosen[-1])
        return f"{self._what} at {first}" + (f" to {last}" if last != first else "")


def one_line(error: BaseException) -> str:
    """The error in one line of at most 200 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."
