"""Grids of GRIB fields: their latitudes and longitudes, and values brought from any scanning order to rows.

Source: WMO Manual on Codes, volume I.2, grid definition templates 3.0 and 3.40, flag table 3.4 (scanning mode)
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.library import OpenMessage

_REGULAR = ("regular_ll", "regular_gg")
_FULL_CIRCLE = 360.0
_SAME_DEGREES = 2e-3
"""GRIB 1 keeps thousandths of a degree."""
_ENDS = tuple(f"{axis}Of{end}GridPointInDegrees" for axis in ("latitude", "longitude") for end in ("First", "Last"))
_FLAGS = ("iScansNegatively", "jScansPositively", "jPointsAreConsecutive", "alternativeRowScanning")
_WAYS_OUT = {
    "reduced_gg": "fill its rows up with `cdo -R copy`",
    "reduced_ll": "fill its rows up with `cdo -R copy`",
    "sh": "transform it with `cdo sp2gpl`",
}
_WAY_OUT = "put it on a regular latitude-longitude grid with `cdo remapcon,GRID`"


@dataclass(frozen=True)
class GribGrid:
    """A grid as a message describes it.

    Attributes:
        kind: What ecCodes calls it.
        columns: Number of points along a row; 0 where rows differ.
        rows: Number of rows.
        ends: First and last latitude, then first and last longitude, degrees, in the order of the message.
        flags: Whether points run westward, rows northward, columns are stored instead of rows, every other row is
            reversed.
        gaussian_latitudes: Latitudes of all rows of the Gaussian grid that this is a part of; none of a regular one.
    """

    kind: str
    columns: int
    rows: int
    ends: tuple[float, ...]
    flags: tuple[bool, ...]
    gaussian_latitudes: tuple[float, ...] = ()

    @classmethod
    def of(cls, message: OpenMessage) -> Self:
        """Read the grid of a message.

        Args:
            message: As ecCodes opened it.
        """
        kind = message.text("gridType")
        number = message.whole("N") if kind == "regular_gg" else None
        return cls(
            kind=kind,
            columns=message.whole("Ni") or 0,
            rows=message.whole("Nj") or 0,
            ends=tuple(message.real(key) for key in _ENDS) if kind in _REGULAR else (),
            flags=tuple(bool(message.whole(key)) for key in _FLAGS),
            gaussian_latitudes=() if number is None else tuple(map(float, message.gaussian_latitudes(number))),
        )

    @property
    def refusal(self) -> str | None:
        """What was expected instead of this grid, and the way out; None for one with rows and columns."""
        if self.kind in _REGULAR and self.rows and self.columns:
            return None
        way_out = _WAYS_OUT.get(self.kind, _WAY_OUT)
        return (
            f"expected a regular latitude-longitude or Gaussian grid, found {self.kind or 'an unknown one'}; {way_out}"
        )

    def coordinates(self, what: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return latitude of each row and longitude of each column, degrees, in the order of the message.

        Args:
            what: File and field; errors start with it.

        Raises:
            InvalidDataError: The grid has no rows and columns, or contradicts itself.
        """
        if self.refusal is not None:
            raise InvalidDataError(f"{what}: {self.refusal}")
        north, south, first, last = self.ends
        westward, northward = self.flags[:2]
        if (north < south) != northward and self.rows > 1:
            order = "north" if northward else "south"
            raise InvalidDataError(f"{what}: expected rows that run {order}, found {north:g} to {south:g}")
        rows = self._gaussian_rows(what) if self.gaussian_latitudes else np.linspace(north, south, self.rows)
        if westward:
            columns = np.linspace(first, last if last <= first else last - _FULL_CIRCLE, self.columns)
        else:
            columns = np.linspace(first, last if last >= first else last + _FULL_CIRCLE, self.columns)
        return rows, columns

    def in_rows(self, values: NDArray[np.float64], what: str) -> NDArray[np.float64]:
        """Arrange values in rows and columns that follow `coordinates`.

        Args:
            values: One for each point, in the order of the message.
            what: File and field; errors start with it.

        Raises:
            InvalidDataError: There are more or fewer than points.
        """
        if values.size != self.rows * self.columns:
            raise InvalidDataError(f"{what}: expected {self.rows} x {self.columns} values, found {values.size} of them")
        by_columns, alternating = self.flags[2:]
        lines = values.reshape((self.columns, self.rows) if by_columns else (self.rows, self.columns))
        if alternating:
            lines = lines.copy()
            lines[1::2] = lines[1::2, ::-1]
        return lines.T if by_columns else lines

    def _gaussian_rows(self, what: str) -> NDArray[np.float64]:
        """Latitudes of a Gaussian grid, or of a part of one, as exact as they can be computed."""
        known = np.array(self.gaussian_latitudes)
        known = known[::-1] if self.flags[1] else known
        start = int(np.argmin(np.abs(known - self.ends[0])))
        rows = known[start : start + self.rows]
        if rows.size != self.rows or np.abs(rows[[0, -1]] - self.ends[:2]).max() > _SAME_DEGREES:
            raise InvalidDataError(
                f"{what}: expected rows of the Gaussian grid of {known.size} rows, found {self.rows} rows from "
                f"{self.ends[0]:g} to {self.ends[1]:g}"
            )
        return rows
