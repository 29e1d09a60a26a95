"""Forecasts in several files, such as one a member, lead time, channel or start, joined to whole ensembles.

Each field of a start, lead time, channel and member counts once. Fields stay lazy; only fields that two files hold both
are read, to see that they are the same.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_same_grid
from data_catalog.layout.times import iso
from forecast.products.files.forecast_reading import UNLABELLED_MEMBERS

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class _Part:
    """What one file holds of one channel and start: dims member, lead_time, latitude, longitude."""

    file: str
    field: xr.DataArray
    unlabelled: bool

    @property
    def members(self) -> list[int]:
        labels: list[int] = self.field["member"].values.tolist()
        return labels

    @property
    def leads(self) -> NDArray[np.timedelta64]:
        return self.field["lead_time"].values


def join_forecasts(files: Mapping[str, xr.Dataset]) -> list[xr.Dataset]:
    """Whole ensembles from forecasts that may be spread over files in any way.

    Members without numbers are told apart by their values, in the order of the files. A second copy is logged.

    Args:
        files: Forecasts as `open_forecast` returns them, by the names of their files.

    Returns:
        Ensembles in the order of their starts: a scalar `init_time`, dims (member, lead_time, latitude, longitude). A
        start whose channels have different lead times has several, with different channels.

    Raises:
        InvalidDataError: Files hold other values of one field, lie on other grids, or leave lead times without members.
    """
    starts: dict[np.datetime64, list[tuple[str, xr.Dataset]]] = {}
    for file, forecast in files.items():
        cycles = forecast if "init_time" in forecast.dims else forecast.expand_dims("init_time")
        for index, start in enumerate(cycles["init_time"].values):
            starts.setdefault(start, []).append((file, cycles.isel(init_time=index)))
    copies: Counter[tuple[str, str]] = Counter()
    joined = [whole for start in sorted(starts) for whole in _of_one_start(starts[start], copies)]
    for (file, earlier), count in copies.items():
        logger.warning("%s: %d fields are in %s too, with the same values, and count once", file, count, earlier)
    return joined


def _of_one_start(files: Sequence[tuple[str, xr.Dataset]], copies: Counter[tuple[str, str]]) -> list[xr.Dataset]:
    if len(files) == 1:
        return [files[0][1]]
    first_file, first = files[0]
    parts: dict[str, list[_Part]] = {}
    for file, forecast in files:
        where = f"forecast {file} (grid of {first_file})"
        check_same_grid(forecast, first["latitude"].values, first["longitude"].values, where=where)
        placed = forecast.assign_coords({axis: first[axis] for axis in ("latitude", "longitude")})
        for name, field in placed.items():
            unlabelled = UNLABELLED_MEMBERS in forecast.attrs
            ordered = field.transpose("member", "lead_time", "latitude", "longitude")
            parts.setdefault(str(name), []).append(_Part(file, ordered, unlabelled))
    groups: dict[tuple[bytes, bytes], dict[str, xr.DataArray]] = {}
    for name, of_channel in parts.items():
        whole = _joined(of_channel, copies)
        key = (whole["member"].values.tobytes(), whole["lead_time"].values.tobytes())
        groups.setdefault(key, {})[name] = whole
    return [xr.Dataset(fields) for fields in groups.values()]


def _joined(parts: Sequence[_Part], copies: Counter[tuple[str, str]]) -> xr.DataArray:
    """One channel of one start from all files that hold some of it."""
    numbered = _numbered(parts)
    sources: dict[np.timedelta64, dict[int, int]] = {}
    for index, part in enumerate(numbered):
        for earlier in numbered[:index]:
            count = _count_same(earlier, part)
            if count:
                copies[part.file, earlier.file] += count
        for lead in part.leads:
            for member in part.members:
                sources.setdefault(lead, {}).setdefault(member, index)
    _check_same_members(sources, numbered[0])
    groups: dict[tuple[tuple[int, int], ...], list[np.timedelta64]] = {}
    for lead, of_lead in sources.items():
        groups.setdefault(tuple(sorted(of_lead.items())), []).append(lead)
    pieces = [_with_members(numbered, dict(members), leads) for members, leads in groups.items()]
    whole: xr.DataArray = pieces[0] if len(pieces) == 1 else xr.concat(pieces, "lead_time", join="exact")
    return whole.sortby("lead_time")


def _with_members(parts: Sequence[_Part], sources: Mapping[int, int], leads: Sequence[np.timedelta64]) -> xr.DataArray:
    """The members of some lead times, each from its file."""
    pieces = []
    for index in dict.fromkeys(sources.values()):
        field = parts[index].field.sel(lead_time=np.array(leads))
        chosen = [member for member, source in sources.items() if source == index]
        pieces.append(field if chosen == parts[index].members else field.sel(member=chosen))
    joined: xr.DataArray = pieces[0] if len(pieces) == 1 else xr.concat(pieces, "member", join="exact")
    return joined.sortby("member")


def _numbered(parts: Sequence[_Part]) -> list[_Part]:
    """The parts, labelled ones first; members of the others are numbered, from 0 where that is free."""
    numbered = [part for part in parts if not part.unlabelled]
    for part in parts:
        if part.unlabelled:
            numbered.append(_with_free_numbers(part, numbered))
    return numbered


def _with_free_numbers(part: _Part, others: Sequence[_Part]) -> _Part:
    """Number members after those of the same lead times, unless the file is a copy of another."""
    sharing = [other for other in others if np.isin(part.leads, other.leads).any()]
    taken = [label for other in sharing for label in other.members]
    for first in [0, *(other.members[0] for other in sharing)]:
        moved = replace(part, field=part.field.assign_coords(member=first + np.arange(len(part.members))))
        if not set(moved.members) & set(taken) or any(_begin_alike(moved, other) for other in sharing):
            return moved
    return replace(part, field=part.field.assign_coords(member=max(taken) + 1 + np.arange(len(part.members))))


def _begin_alike(one: _Part, other: _Part) -> bool:
    """Whether the members that two files label alike begin with the same field: then one is a copy of the other."""
    shared = [member for member in one.members if member in other.members][:1]
    lead = one.leads[np.isin(one.leads, other.leads)][:1]
    return bool(shared) and _equal(one, other, shared, lead)


def _count_same(one: _Part, other: _Part) -> int:
    """Number of fields that two files hold both; refuse those that differ."""
    members = [member for member in other.members if member in one.members]
    leads = other.leads[np.isin(other.leads, one.leads)]
    for lead in leads if members else ():
        if not _equal(one, other, members, np.array([lead])):
            start = iso(other.field["init_time"].values.reshape(1)[0])
            raise InvalidDataError(
                f"forecast {other.file}: {other.field.name} from {start} at {_hours(lead):g} h: expected members that "
                f"no other file holds, found member {_span(members)} with other values in {one.file}; give each member "
                "a number of its own, or name one of the files"
            )
    return len(members) * len(leads)


def _equal(one: _Part, other: _Part, members: Sequence[int], leads: NDArray[np.timedelta64]) -> bool:
    ours, theirs = (part.field.sel(member=list(members), lead_time=leads).values for part in (one, other))
    return np.array_equal(ours, theirs, equal_nan=True)


def _check_same_members(sources: Mapping[np.timedelta64, Mapping[int, int]], part: _Part) -> None:
    (first, members), *others = sources.items()
    for lead, of_lead in others:
        if of_lead.keys() != members.keys():
            start, odd = iso(part.field["init_time"].values.reshape(1)[0]), sorted(of_lead.keys() ^ members.keys())
            raise InvalidDataError(
                f"forecast {part.file} and others: {part.field.name} from {start}: expected the same members at each "
                f"lead time, found {len(members)} at {_hours(first):g} h and {len(of_lead)} at {_hours(lead):g} h "
                f"(only one has member {odd[0]})"
            )


def _hours(lead_time: np.timedelta64) -> float:
    return float(lead_time / np.timedelta64(1, "h"))


def _span(members: Sequence[int]) -> str:
    return f"{members[0]}" if len(members) == 1 else f"{members[0]} to {members[-1]}"
