"""Values of single fields, each checked to be the field that was asked for."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.fields import GribField
from data_catalog.sources.grib.grids import GribGrid
from data_catalog.sources.grib.library import open_message
from data_catalog.sources.grib.messages import MessagePlace, check_message, field_of

_MISSING = float(np.finfo(np.float32).max)
"""Stands for missing values while a field is decoded; ecCodes' own 9999 is also a value."""


class Bytes(Protocol):
    """A file or object of which parts can be read."""

    @property
    def name(self) -> str:
        """Path or URL; errors start with it."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Return some of its bytes, or fewer where it ends.

        Args:
            start: First byte.
            length: Number of bytes.
        """
        ...


class FieldArray(BackendArray):
    """Fields along any number of dimensions before those of the grid, decoded one by one when they are read."""

    def __init__(self, fields: NDArray[Any]) -> None:
        """Arrange fields.

        Args:
            fields: A `StoredField` for each place along the dimensions before those of the grid.
        """
        self._fields = fields
        grid: GribGrid = fields.flat[0].field.grid
        self.shape = (*fields.shape, grid.rows, grid.columns)
        self.dtype = np.dtype(np.float32)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Return the values at a key, as xarray asks for them."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[np.float32]:
        lines = [np.arange(size)[one] for one, size in zip(key, self.shape, strict=True)]
        *before, rows, columns = (np.atleast_1d(line) for line in lines)
        chosen = self._fields[np.ix_(*before)] if before else self._fields
        values = np.empty((*chosen.shape, rows.size, columns.size), np.float32)
        for at, stored in np.ndenumerate(chosen):
            values[at] = stored.values()[np.ix_(rows, columns)]
        return values.reshape([size for line in lines for size in np.shape(line)])


class StoredField:
    """A field that can be read.

    Attributes:
        field: What its message says of itself.
    """

    def __init__(self, field: GribField, place: MessagePlace, source: Bytes) -> None:
        self.field = field
        self._place = place
        self._source = source

    def message(self) -> bytes:
        """Return the bytes of the message that it lies in; raises InvalidDataError if they are not a whole message."""
        message = self._source.read(self._place.start, self._place.length)
        check_message(message, self._place.length, self._what)
        return message

    def values(self) -> NDArray[np.float32]:
        """Return the values in rows and columns, NaN where the message has none; raises as `decoded` does."""
        return self.decoded()[0]

    def decoded(self) -> tuple[NDArray[np.float32], float]:
        """Return the values in rows and columns, NaN where the message has none, and the step that they are packed in.

        Raises:
            InvalidDataError: The message cannot be decoded, or is that of another field.
        """
        with open_message(field_of(self.message(), self._place.part), self._what) as message:
            found = GribField.of(message, self._what)
            if found != self.field:
                raise InvalidDataError(f"{self._what}: expected {self.field.described}, found {found.described}")
            values = np.asarray(message.values(_MISSING))
            binary, decimal = message.whole("binaryScaleFactor"), message.whole("decimalScaleFactor")
        in_rows = self.field.grid.in_rows(values, self._what)
        step = 0.0 if binary is None else 2.0**binary * 10.0 ** -(decimal or 0)
        return np.where(in_rows == _MISSING, np.nan, in_rows).astype(np.float32), step

    @property
    def what(self) -> str:
        """File or URL, and where the message lies."""
        return self._what

    @property
    def _what(self) -> str:
        return f"{self._source.name}: message at byte {self._place.start}"
