"""Treats stored numbers outside a declared valid range, and numbers that were never written, as missing.

xarray sets `_FillValue` and `missing_value` to NaN. It ignores `valid_range`, `valid_min` and `valid_max`, and the
default fill values of the NetCDF library. All of these refer to packed numbers, so they are applied when a file is
opened.

Source: CF-1.11, section 2.5.1; NetCDF Users' Guide, attribute conventions (`valid_range`, `_FillValue`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

import netCDF4
import numpy as np
import xarray as xr
from xarray.backends import AbstractDataStore, BackendArray
from xarray.core import indexing

from data_catalog.errors import DefiniteFaultError

_PACKING = {"scale_factor": 1.0, "add_offset": 0.0}
_FILLS = ("missing_value", "_FillValue")
_LIMITS = ("valid_range", "valid_min", "valid_max")
_HALF_A_STEP = 0.5


class DeclaredStore(AbstractDataStore):
    """A file or store whose fields are missing wherever it declares that they hold no value."""

    def __init__(self, store: AbstractDataStore, where: str, fill_is_value: Collection[str] = ()) -> None:
        """Wrap a store.

        Args:
            store: Store as xarray opened it, not decoded.
            where: File or URL; errors start with it.
            fill_is_value: Variables whose fill value is a value like others.
        """
        self._store = store
        self._where = where
        self._fill_is_value = frozenset(fill_is_value)

    def get_variables(self) -> dict[Any, xr.Variable]:
        """Return the stored variables, lazily; raises DefiniteFaultError for an invalid valid range."""
        return {
            name: with_declared_values(
                _without_fill(variable) if name in self._fill_is_value else variable, f"{self._where}: {name}"
            )
            for name, variable in self._store.get_variables().items()  # type: ignore[no-untyped-call]
        }

    def get_attrs(self) -> Mapping[Any, Any]:
        """Return the attributes of the file."""
        attributes: Mapping[Any, Any] = self._store.get_attrs()  # type: ignore[no-untyped-call]
        return attributes

    def get_dimensions(self) -> Mapping[Any, int]:
        """Return the sizes of the dimensions by name."""
        dimensions: Mapping[Any, int] = self._store.get_dimensions()  # type: ignore[no-untyped-call]
        return dimensions

    def get_encoding(self) -> dict[str, Any]:
        """Return the encoding of the file, such as its unlimited dimensions."""
        encoding: dict[str, Any] = self._store.get_encoding()  # type: ignore[no-untyped-call]
        return encoding

    def close(self) -> None:
        """Close the file."""
        self._store.close()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class ValidRange:
    """The smallest and the largest valid stored number.

    Attributes:
        low: Smallest valid number, in the type of the stored numbers, before unpacking; None for no limit.
        high: Largest valid number, in the type of the stored numbers, before unpacking; None for no limit.
    """

    low: float | None
    high: float | None

    @classmethod
    def declared(cls, variable: xr.Variable, what: str) -> Self:
        """Read the valid range of a variable.

        Limits of the type of the packed numbers are packed too. Floating-point limits of packed integers are in the
        unit of the variable, and a value within half a packing step of them is valid.

        Args:
            variable: Stored variable, not decoded.
            what: File and variable; errors start with it.

        Raises:
            DefiniteFaultError: The attributes are not numbers, or too few or too many.
        """
        both = _numbers(variable, "valid_range", 2, what)
        low = _numbers(variable, "valid_min", 1, what) if both is None else both[:1]
        high = _numbers(variable, "valid_max", 1, what) if both is None else both[1:]
        scale, offset = (float(variable.attrs.get(name, usual)) for name, usual in _PACKING.items())
        packed = variable.dtype.kind in "iu" and set(_PACKING) & set(variable.attrs)
        ends = [None if limit is None else limit[0] for limit in (low, high)]
        if packed and any(end is not None and end.dtype.kind == "f" for end in ends):
            slack = (-_HALF_A_STEP, _HALF_A_STEP) if scale > 0 else (_HALF_A_STEP, -_HALF_A_STEP)
            packed_ends = [
                None if end is None else (float(end) - offset) / scale + extra
                for end, extra in zip(ends, slack, strict=True)
            ]
            return cls(*(packed_ends if scale > 0 else packed_ends[::-1]))
        return cls(*(None if end is None else _in_type(end, read_dtype(variable)) for end in ends))

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Return whether each number is within the range; False for NaN if there is a limit.

        Args:
            values: Stored numbers, of any shape.
        """
        inside = np.ones(values.shape, bool)
        if self.low is not None:
            inside &= values >= self.low
        if self.high is not None:
            inside &= values <= self.high
        return inside

    def outside(self, dtype: np.dtype[Any]) -> int | None:
        """Return an integer outside the range, preferably NetCDF's default fill value; None if there is none.

        Args:
            dtype: Type of the stored integers.
        """
        ends = np.iinfo(dtype)
        usual = netCDF4.default_fillvals.get(dtype.str[1:])
        for candidate in (usual, ends.min, ends.max):
            if candidate is not None and not self.holds(np.array(candidate, dtype)):
                return int(candidate)
        return None


def with_declared_values(variable: xr.Variable, what: str) -> xr.Variable:
    """Return a field in which numbers declared invalid are replaced by its `_FillValue`, lazily.

    Coordinates and other variables of fewer than two dimensions stay as they are, and so do times.

    Args:
        variable: Stored variable, not decoded.
        what: File and variable; errors start with it.

    Raises:
        DefiniteFaultError: The packing or the valid range cannot be interpreted.
    """
    for name in _PACKING:
        _numbers(variable, name, 1, what)
    variable = _with_missing_as_read(variable)
    if variable.ndim < 2 or variable.dtype.kind not in "iuf" or " since " in str(variable.attrs.get("units", "")):
        return variable
    if not set(_LIMITS) & set(variable.attrs):
        return _with_usual_fill(variable)
    valid = ValidRange.declared(variable, what)
    if variable.dtype.kind == "f":
        return _replaced(variable, variable.attrs, valid, np.nan)
    return _with_valid_integers(variable, valid)


def _with_valid_integers(variable: xr.Variable, valid: ValidRange) -> xr.Variable:
    """Replace integers outside of a range by the fill value; where none is declared, it is NetCDF's, but for bytes."""
    declared = variable.attrs.get("_FillValue", variable.attrs.get("missing_value"))
    usual = valid.outside(read_dtype(variable)) if variable.dtype.itemsize == 1 else _usual_fill(variable)
    fill = usual if declared is None else np.atleast_1d(declared)[0]
    if fill is None:
        return variable
    stored_fill = np.asarray(fill).astype(variable.dtype)[()]
    attributes = variable.attrs if declared is not None else {**variable.attrs, "_FillValue": stored_fill}
    return _replaced(variable, attributes, valid, stored_fill)


def read_dtype(variable: xr.Variable) -> np.dtype[Any]:
    """Return the type of the stored numbers, which `_Unsigned` changes in formats without unsigned integers.

    Args:
        variable: Stored variable, not decoded.
    """
    unsigned = str(variable.attrs.get("_Unsigned", "")).lower()
    kind = {"true": "u", "false": "i"}.get(unsigned) if variable.dtype.kind in "iu" else None
    return variable.dtype if kind is None else np.dtype(f"{variable.dtype.byteorder}{kind}{variable.dtype.itemsize}")


def _with_missing_as_read(variable: xr.Variable) -> xr.Variable:
    """Declare `missing_value` in the type that `_Unsigned` asks for, as xarray does `_FillValue` alone.

    A `missing_value` of -1 among unsigned 16-bit integers is 65535. One that is the `_FillValue` in either type says
    nothing more.
    """
    declared, dtype = variable.attrs.get("missing_value"), read_dtype(variable)
    if dtype == variable.dtype or np.asarray(declared).dtype.kind not in "iu":
        return variable
    missing, fill = (np.asarray(variable.attrs.get(name, declared)).astype(dtype)[()] for name in _FILLS)
    changed = variable.copy(deep=False)
    changed.attrs = {**variable.attrs, "missing_value": missing}
    if "_FillValue" in variable.attrs and missing == fill:
        del changed.attrs["missing_value"]
    return changed


def _without_fill(variable: xr.Variable) -> xr.Variable:
    bare = variable.copy(deep=False)
    bare.attrs = {name: value for name, value in variable.attrs.items() if name != "_FillValue"}
    return bare


def _with_usual_fill(variable: xr.Variable) -> xr.Variable:
    """Declare NetCDF's default fill value for packed integers, because unpacked it would look like a value.

    Bytes have no default fill value, and that of floating-point numbers is far beyond any value.
    """
    packed = set(_PACKING) & set(variable.attrs) and variable.dtype.kind in "iu" and variable.dtype.itemsize > 1
    if not packed or {"_FillValue", "missing_value"} & set(variable.attrs):
        return variable
    declared = variable.copy(deep=False)
    declared.attrs = {**variable.attrs, "_FillValue": _usual_fill(variable)}
    return declared


def _usual_fill(variable: xr.Variable) -> np.generic:
    fill: np.generic = variable.dtype.type(netCDF4.default_fillvals[variable.dtype.str[1:]])
    return fill


def _in_type(limit: np.ndarray, dtype: np.dtype[Any]) -> float:
    """Return a limit in the precision of the numbers that are compared with it."""
    number: float = limit.item() if dtype.kind in "iu" and limit.dtype.kind == "f" else limit.astype(dtype).item()
    return number


def _numbers(variable: xr.Variable, name: str, count: int, what: str) -> np.ndarray | None:
    found = variable.attrs.get(name)
    if found is None:
        return None
    numbers = np.atleast_1d(np.asarray(found))
    if numbers.shape != (count,) or numbers.dtype.kind not in "iuf":
        raise DefiniteFaultError(f"{what}: expected {count} number{'s' * (count > 1)} as {name}, found {found!r}")
    return numbers


def _replaced(variable: xr.Variable, attributes: Mapping[Any, Any], valid: ValidRange, fill: Any) -> xr.Variable:
    lazy = indexing.LazilyIndexedArray(_ValidArray(variable, valid, fill))
    return xr.Variable(variable.dims, lazy, dict(attributes), variable.encoding, fastpath=True)


class _ValidArray(BackendArray):
    """Stored numbers of a variable as they are read, with those outside of its range replaced by a fill value."""

    def __init__(self, variable: xr.Variable, valid: ValidRange, fill: Any) -> None:
        self._variable = variable
        self._valid = valid
        self._fill = fill
        self.shape = variable.shape
        self.dtype = variable.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        stored = np.asarray(self._variable[key].values)
        inside = self._valid.holds(stored.view(read_dtype(self._variable)))
        return stored if inside.all() else np.where(inside, stored, self._fill).astype(stored.dtype)
