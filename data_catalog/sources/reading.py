"""Opens files and stores lazily, with read errors that name the file, the variable and the time."""

import itertools
import math
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import dask.array as da
import netCDF4
import numpy as np
import xarray as xr
from xarray.backends import AbstractDataStore, CachingFileManager, NetCDF4DataStore
from xarray.backends.netCDF4_ import NETCDF4_PYTHON_LOCK

from data_catalog.errors import DefiniteFaultError, InvalidDataError, PlumecastError
from data_catalog.layout.axes import as_analysis
from data_catalog.layout.axis_names import dimension_roles
from data_catalog.layout.times import iso
from data_catalog.sources.declared_sizes import check_declared_sizes
from data_catalog.sources.declared_values import DeclaredStore
from data_catalog.sources.netcdf_groups import fields_of
from data_catalog.storage.patience import ask, explained, patience_for

_CHUNK_CACHE_BYTES = 256 * 1024
_BLOCK_BYTES = 4 * 1024**2
_PIECE_BYTES = 16 * 1024**2
_GRID_DIMS = 2
_KINDS_BY_FIRST_BYTES = {
    b"CDF": "NetCDF",
    b"\x89HDF": "NetCDF",
    b"GRIB": "GRIB",
    b"PK": "a zip archive (unpack it first)",
    b"\x1f\x8b": "a gzip file (unpack it first)",
}


_UNDECODED_TIME = re.compile("unable to decode time units ('[^']*')")


def open_netcdf(path: Path, *, ensemble: bool = False) -> xr.Dataset:
    """Open a NetCDF file of any version lazily.

    Args:
        path: Path of the file.
        ensemble: Whether each analysis is an ensemble.

    Raises:
        InvalidDataError: The file is not NetCDF, or is damaged.
    """
    with _small_chunk_caches():
        dataset = netcdf_dataset(path, decode_timedelta=False)
    return in_blocks(dataset, str(path), block_bytes=_BLOCK_BYTES, ensemble=ensemble)


def netcdf_dataset(path: Path, *, decode_timedelta: bool) -> xr.Dataset:
    """Open a NetCDF file of any version lazily; values that the file declares invalid are missing.

    Args:
        path: Path of the file.
        decode_timedelta: Whether to decode durations.

    Raises:
        InvalidDataError: The file is not NetCDF, is damaged, has no variable, or has fields in several groups.
    """
    check_netcdf(path)
    try:
        store = _shared_store(path)  # Held while groups are opened, as the file is closed with the last that holds it.
        return fields_of(store.ds, str(path), partial(_group, path, decode_timedelta=decode_timedelta))
    except PlumecastError:
        raise
    except Exception as error:
        raise InvalidDataError(f"{path}: expected a readable NetCDF file, found {_damage(error)}") from error


def _group(path: Path, group: str, *, decode_timedelta: bool) -> xr.Dataset:
    store = _shared_store(path, group)
    check_declared_sizes(store.ds, path)
    return decoded(store, str(path), decode_timedelta=decode_timedelta)


def _shared_store(path: Path, group: str = "") -> NetCDF4DataStore:
    """Open a file once for all its readers: HDF5 crashes where a file with texts is opened while it is open already.

    Source: https://github.com/Unidata/netcdf4-python/issues/1444
    """
    found = path.stat()
    # Naming the backend keeps xarray from trying, and importing, all the others.
    manager: Any = CachingFileManager(
        netCDF4.Dataset,
        str(path.resolve()),
        mode="r",
        lock=NETCDF4_PYTHON_LOCK,
        manager_id=f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns}",
    )
    return NetCDF4DataStore(manager, group=group or None, mode="r", lock=NETCDF4_PYTHON_LOCK)  # type: ignore[no-untyped-call]


def _damage(error: Exception) -> str:
    """What an error of opening a file says of it: the library has an OSError for each kind of damage."""
    return f"a damaged or incomplete one ({one_line(error)})" if isinstance(error, OSError) else one_line(error)


def decoded(
    store: AbstractDataStore, where: str, *, decode_timedelta: bool, fill_is_value: Collection[str] = ()
) -> xr.Dataset:
    """Unpack the fields of a file or store lazily, and set values that it declares missing to NaN.

    Args:
        store: Store as xarray opened it, not decoded.
        where: File or URL; errors start with it.
        decode_timedelta: Whether to decode durations.
        fill_is_value: Variables whose fill value is a value like others.

    Raises:
        DefiniteFaultError: A declaration or the unit of times cannot be interpreted.
    """
    try:
        dataset: xr.Dataset = xr.open_dataset(
            DeclaredStore(store, where, fill_is_value), engine="store", decode_timedelta=decode_timedelta
        )
    except ValueError as error:
        if _UNDECODED_TIME.search(str(error)) is None:
            raise
        raise DefiniteFaultError(f"{where}: expected times that can be read, found {one_line(error)}") from error
    return dataset


def check_netcdf(path: Path) -> None:
    """Raise an error if the first bytes of a file show that it is not NetCDF.

    Args:
        path: Path of the file.

    Raises:
        InvalidDataError: The file has another format; says which one and what to do.
    """
    with path.open("rb") as file:
        start = file.read(4)
    check_first_bytes(start, str(path))


def check_first_bytes(start: bytes, where: str) -> None:
    """Raise an error if the first bytes of a file show that it is not NetCDF.

    Args:
        start: Its first 4 bytes.
        where: File or URL; errors start with it.

    Raises:
        InvalidDataError: The file has another format; says which one and what to do.
    """
    if not start:
        raise InvalidDataError(f"{where}: expected NetCDF, GRIB or Zarr, found an empty file")
    kind = next((kind for first, kind in _KINDS_BY_FIRST_BYTES.items() if start.startswith(first)), "neither")
    if kind != "NetCDF":
        raise InvalidDataError(f"{where}: expected NetCDF, GRIB or Zarr, found {kind}")


@contextmanager
def _small_chunk_caches() -> Iterator[None]:
    """Open files with small chunk caches: by default each variable of each open file may cache 16 MB or more.

    Blocks are read whole and only once, so a cache gains nothing, and decades of yearly files would fill the memory.
    """
    before = netCDF4.get_chunk_cache()
    netCDF4.set_chunk_cache(_CHUNK_CACHE_BYTES, before[1], before[2])
    try:
        yield
    finally:
        netCDF4.set_chunk_cache(*before)


def in_blocks(dataset: xr.Dataset, where: str, *, block_bytes: int, ensemble: bool = False) -> xr.Dataset:
    """Return the dataset with canonical dimension names and Dask arrays whose blocks follow the chunks of the file.

    Args:
        dataset: Dataset as xarray opened it, not loaded.
        where: File or URL; read errors name it, with the variable and the times.
        block_bytes: Stored chunks smaller than this number of bytes are read several at a time.
        ensemble: Whether each analysis is an ensemble.
    """
    dataset = as_analysis(dataset, where, ensemble=ensemble)
    times = dataset["time"].values if "time" in dataset.dims else None
    lazy = {
        name: field.copy(data=_blocks(field, f"{where}: {name}", times, block_bytes))
        for name, field in dataset.items()
        if field.ndim >= 2
    }
    return dataset.assign(lazy)


def in_stored_chunks(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """Return the dataset with Dask arrays in blocks of whole chunks of the file, or in pieces of it if it has none.

    Small chunks of several members and lead times of a local file are read at a time, up to 4 MiB, since a block costs
    Dask as much as a chunk costs to read. Levels and starts are not: those that nobody wants are not read, and may not
    even be there.

    Args:
        dataset: Dataset as xarray opened it, not loaded.
        where: File or URL; read errors name it, with the variable.
    """
    lazy = {}
    for name, field in dataset.items():
        if field.ndim >= _GRID_DIMS:
            stored = tuple(field.encoding.get("preferred_chunks", {}).values())
            chunked = len(stored) == field.ndim
            unit = stored if chunked else (*(1,) * (field.ndim - _GRID_DIMS), *field.shape[-_GRID_DIMS:])
            labels = {str(dim): field[dim].values for dim in field.dims[:-_GRID_DIMS] if dim in field.coords}
            guarded = GuardedVariable(field.variable, f"{where}: {name}", labels, stored if chunked else None)
            together = _read_together(dataset, field, where) if chunked else list(range(field.ndim))
            blocks = _grown(field, unit, together, _BLOCK_BYTES if chunked else _PIECE_BYTES)
            lazy[name] = field.copy(data=_over_dask(guarded, str(name), blocks))
    blocked = dataset.assign(lazy)
    blocked.set_close(dataset.close)  # what is made of a dataset forgets how to close its file
    return blocked


def _read_together(dataset: xr.Dataset, field: xr.DataArray, where: str) -> list[int]:
    """Axes along which several chunks are read at a time: none of a remote store, where each chunk is a request."""
    if patience_for(where) is not None:
        return []
    roles = dimension_roles(dataset, tuple(map(str, field.dims)))
    lead = "lead_time" if "lead_time" in roles.values() else "time"
    return [axis for axis, dim in enumerate(field.dims) if roles.get(str(dim)) in ("member", lead)]


def _grown(field: xr.DataArray, unit: tuple[int, ...], axes: list[int], most_bytes: int) -> tuple[int, ...]:
    """Shape of several units in a row along some axes, the last first, that together have at most so many bytes."""
    room = most_bytes // max(math.prod(unit) * field.dtype.itemsize, 1)
    shape = list(unit)
    for axis in reversed(axes):
        taken = min(max(room, 1), -(-field.shape[axis] // max(unit[axis], 1)))
        room //= max(taken, 1)
        shape[axis] = min(unit[axis] * taken, field.shape[axis])
    return tuple(shape)


def _blocks(field: xr.DataArray, what: str, times: np.ndarray | None, block_bytes: int) -> da.Array:
    shape = {str(dim): size for dim, size in field.sizes.items()}
    in_file = tuple(field.encoding.get("preferred_chunks", {}).values())  # in the order of dims, by name in the file
    stored = dict(zip(shape, in_file, strict=True)) if len(in_file) == len(shape) else {}
    chunks = {**shape}
    if "level" in shape:
        chunks["level"] = stored.get("level", 1)
    if "time" in shape:
        at_once = stored.get("time", 1)
        bytes_at_once = field.dtype.itemsize * int(np.prod([at_once, *(n for d, n in chunks.items() if d != "time")]))
        chunks["time"] = min(shape["time"], at_once * max(1, block_bytes // max(bytes_at_once, 1)))
    guarded = GuardedVariable(field.variable, what, {"time": times} if times is not None and "time" in shape else {})
    return _over_dask(guarded, str(field.name), tuple(chunks.values()))


def _over_dask(guarded: "GuardedVariable", name: str, chunks: tuple[int, ...]) -> da.Array:
    meta = np.empty((0,) * guarded.ndim, guarded.dtype)
    lazy: da.Array = da.from_array(guarded, chunks, f"{name}-{uuid4().hex}", fancy=False, meta=meta)  # type: ignore[no-untyped-call]
    return lazy


class GuardedVariable:
    """A lazy variable whose read errors name what was being read; Dask slices it like an array."""

    def __init__(
        self,
        variable: xr.Variable,
        what: str,
        labels: Mapping[str, np.ndarray],
        unit: tuple[int, ...] | None = None,
    ) -> None:
        """Guard a variable.

        Args:
            variable: Variable as xarray opened it, not loaded.
            what: File or URL, and the name of the variable.
            labels: Coordinates of dimensions that an error names, such as times.
            unit: Shape of the pieces in which an error names what it is about; None for what was read at once.
        """
        self._variable = variable
        self._what = what
        self._labels = labels
        self._unit = unit
        self._patience = patience_for(what)
        self.shape = variable.shape
        self.ndim = variable.ndim
        self.dtype = variable.dtype

    def __getitem__(self, key: Any) -> np.ndarray:
        try:
            return ask(lambda: np.asarray(self._variable[key].values), self._patience, self._name(key))
        except PlumecastError:
            raise
        except Exception as error:
            if self._patience is not None:  # the error of a remote store spells its URL, with whatever secret is in it
                raise explained(error, self._name(key), "readable values") from None
            raise explained(error, self._name(self._first_unreadable(key)), "readable values") from error

    def _first_unreadable(self, key: Any) -> Any:
        """The first piece of what could not be read that cannot be read alone; all of it if each piece can."""
        if self._unit is None or not isinstance(key, tuple) or not all(isinstance(each, slice) for each in key):
            return key
        bounds = [each.indices(size) for each, size in zip(key, self.shape, strict=True)]
        starts = [range(first, last, unit) for (first, last, _), unit in zip(bounds, self._unit, strict=True)]
        for start in itertools.product(*starts):
            piece = tuple(slice(first, first + unit) for first, unit in zip(start, self._unit, strict=True))
            try:
                np.asarray(self._variable[piece].values)
            except Exception:
                return piece
        return key

    def _name(self, key: Any) -> str:
        chosen = []
        for axis, dim in enumerate(self._variable.dims):
            if dim in self._labels:
                of_dim = np.atleast_1d(self._labels[str(dim)][key[axis] if isinstance(key, tuple) else slice(None)])
                first, last = _label(of_dim[0]), _label(of_dim[-1])
                spelled = "" if of_dim.dtype.kind in "Mm" else f"{dim} "
                chosen.append(spelled + first + (f" to {last}" if last != first else ""))
        return f"{self._what} at {', '.join(chosen)}" if chosen else self._what


def _label(value: np.generic) -> str:
    """A coordinate's value as an error spells it."""
    if isinstance(value, np.timedelta64):
        return f"{float(value / np.timedelta64(1, 'h')):g} h"
    return iso(value) if isinstance(value, np.datetime64) else str(value)


def one_line(error: BaseException) -> str:
    """Return the message of an error as one line of at most 200 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    units = _UNDECODED_TIME.search(text)
    if units is not None:
        return f"times in {units[1]} (count them in hours or days since a date)"
    return text if len(text) <= 200 else text[:197] + "..."
