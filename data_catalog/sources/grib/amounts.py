"""Precipitation over some hours of a forecast, out of the sums that a centre's files hold.

ECMWF sums from the start of the forecast on, NOAA over buckets (`18-24 hour acc`) and in GFS also from the start on.

Source: ECMWF parameter database, 228 (total precipitation, accumulated from the start); wgrib2, "-ftime"
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.variables import channel
from data_catalog.sources.grib.decoding import StoredField
from data_catalog.sources.grib.fields import GribField
from data_catalog.sources.grib.messages import MessagePlace
from data_catalog.sources.grib.remote import IndexedFile, stored_fields
from data_catalog.sources.remote_files import RemoteFiles

AtLead: TypeAlias = Callable[[int, int], IndexedFile]
"""The file of a member at a lead time in hours."""
_Term: TypeAlias = tuple[int, int, int]
"""Sign, first and last hour of a sum."""
_SUM = re.compile(r"tp_(\d+)-(\d+)")
_HOUR = np.timedelta64(1, "h")


class AmountField(StoredField):
    """Sums and differences of fields, which are read when the amount is."""

    def __init__(self, field: GribField, terms: Sequence[tuple[int, StoredField]]) -> None:
        """Join fields.

        Args:
            field: What the amount is.
            terms: Sign and field of each sum that it is made of.
        """
        self.field = field
        self._terms = terms

    def message(self) -> bytes:
        """Return the bytes of all messages that it is made of."""
        return b"".join(stored.message() for _, stored in self._terms)

    def values(self) -> NDArray[np.float32]:
        """Return the amount in rows and columns, in the unit of the messages.

        A difference of packed fields can lie below zero by the steps that they are packed in: such noise is set to 0.

        Raises:
            InvalidDataError: A message is damaged or another one, or the amount is more negative than that.
        """
        total, noise, largest = np.zeros(()), 0.0, 0.0
        for sign, stored in self._terms:
            values, step = stored.decoded()
            total = total + sign * values.astype(np.float64)
            noise, largest = noise + step, max(largest, float(np.nanmax(np.abs(values), initial=0.0)))
        noise += len(self._terms) * largest * float(np.finfo(np.float32).eps)
        lowest = float(np.nanmin(total, initial=0.0))
        if lowest < -noise:
            raise InvalidDataError(
                f"{self._terms[0][1].what}: {self.field.described}: expected an amount of 0 or more (packing noise "
                f"{noise:.2g} {self.field.units}), found {lowest:.3g}"
            )
        return np.where(total < 0, 0.0, total).astype(np.float32)


def amounts_of(store: RemoteFiles, files: Sequence[IndexedFile], name: str, at_lead: AtLead) -> list[StoredField]:
    """Return the amounts of a channel at the lead times of some files, over the hours that the channel says.

    Args:
        store: Store of the files.
        files: At least one.
        name: Name of the channel, such as `tp24`.
        at_lead: Finds the file of a member at an earlier lead time.

    Raises:
        InvalidDataError: The hours cannot be made of the sums in the files.
        MissingDataError: An earlier file is not there.
    """
    hours = int(channel(name).variable.accumulation_hours or 0)
    plans = [_plan(file, hours, name, at_lead) for file in files]
    wanted = [
        (at_lead(file.member, last), _places(at_lead(file.member, last))[first, last], f"tp{last - first}")
        for file, plan in zip(files, plans, strict=True)
        for _, first, last in plan
    ]
    stored = iter(stored_fields(store, wanted))
    amounts: list[StoredField] = []
    for plan in plans:
        terms = [(sign, next(stored)) for sign, _, _ in plan]
        amounts.append(AmountField(replace(terms[0][1].field, name=name), terms))
    return amounts


def _lead(file: IndexedFile) -> int:
    return int((file.valid_time - file.init_time) / _HOUR)


def _places(file: IndexedFile) -> dict[tuple[int, int], MessagePlace]:
    """Where the sums of a file lie, by first and last hour; a bare `tp` is since the start."""
    found = {(0, _lead(file)): file.index["tp"]} if "tp" in file.index else {}
    for name, place in file.index.items():
        hours = _SUM.fullmatch(name)
        if hours is not None:
            found[int(hours[1]), int(hours[2])] = place
    return found


def _plan(file: IndexedFile, hours: int, name: str, at_lead: AtLead) -> list[_Term]:
    """The sums that tile the hours before a lead time, or the two since the start that differ by them."""
    last = _lead(file)
    first = last - hours
    tiles = _tiles(file, first, at_lead)
    if tiles is not None:
        return tiles
    if (0, last) in _places(file) and (0, first) in _places(at_lead(file.member, first)):
        return [(1, 0, last), (-1, 0, first)]
    held = ", ".join(f"{a}-{b} h" for a, b in sorted(_places(file))) or "no sums"
    raise InvalidDataError(
        f"{file.path}: {name} at {last} h: expected sums that tile {first}-{last} h, or sums since the start at both, "
        f"found {held} at {last} h, which with those before do not"
    )


def _tiles(file: IndexedFile, first: int, at_lead: AtLead) -> list[_Term] | None:
    last = _lead(file)
    for begin in sorted(a for a, b in _places(file) if b == last and first <= a < b):
        rest = [] if begin == first else _tiles(at_lead(file.member, begin), first, at_lead)
        if rest is not None:
            return [(1, begin, last), *rest]
    return None
