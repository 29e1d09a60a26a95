"""Forecasts that lie below a URL in GRIB files of a lead time each, with an index beside each file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.forecast_checks import checked_forecast
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from data_catalog.sources.grib.amounts import AtLead, amounts_of
from data_catalog.sources.grib.analyses import Address
from data_catalog.sources.grib.hypercubes import arrange
from data_catalog.sources.grib.library import check_installed
from data_catalog.sources.grib.remote import Index, IndexedFile, fields_of
from data_catalog.sources.reading import in_stored_chunks
from data_catalog.sources.remote_files import RemoteFiles, in_parallel

ReadMembers: TypeAlias = Callable[[bytes, str], Mapping[int, Index]]
"""Reads an index, given its content and its URL: where each field of each member lies."""
FilesAt: TypeAlias = Callable[[Sequence[int]], Sequence[Sequence["ForecastFile"]]]
"""Files of a forecast at some lead times, in groups whose messages are of one type each."""
_HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True)
class ForecastFile:
    """A file of one lead time.

    Attributes:
        addresses: Where it may lie, the likeliest first.
        lead_hours: Lead time.
        members: The members to take from it.
        read_index: Reads its index.
    """

    addresses: tuple[Address, ...]
    lead_hours: int
    members: tuple[int, ...]
    read_index: ReadMembers


def open_forecast_files(
    location: str, files_at: FilesAt, leads: Sequence[int], channels: Sequence[str], init_time: np.datetime64
) -> xr.Dataset:
    """Open the forecast of one start as a checked, lazy ensemble; nothing of it may be missing.

    Args:
        location: Root of the store.
        files_at: Files at some lead times, such as those of a control and those of perturbed members; of precipitation
            over some hours also earlier ones are read.
        leads: Lead times, hours.
        channels: Channels to read.
        init_time: The start, UTC.

    Returns:
        Channels with dims (member, lead_time, latitude, longitude), one block a field; reading one that is missing or
        impossible raises an error.

    Raises:
        ConfigurationError: ecCodes is not installed.
        InvalidDataError: A file lacks a channel or a member.
        MissingDataError: A file is not there, or the store cannot be reached.
    """
    check_installed(location)
    store = RemoteFiles(location.rstrip("/"))
    parts = []
    for number, files in enumerate(files_at(leads)):
        indexed = _indexed(store, files, init_time)

        def read(lead: int, group: int = number) -> list[IndexedFile]:
            return _indexed(store, files_at([lead])[group], init_time)

        parts.append(_opened(store, indexed, channels, _at_lead(indexed, read)))
    return xr.concat(parts, "member", join="exact") if len(parts) > 1 else parts[0]


def _indexed(store: RemoteFiles, files: Sequence[ForecastFile], init_time: np.datetime64) -> list[IndexedFile]:
    """A file for each member and lead time, though several members may lie in one."""

    def found(file: ForecastFile) -> list[IndexedFile]:
        for address in file.addresses:
            index = store.read_small(address.index_path, file.read_index)
            if index is not None:
                what = f"{store.location}/{address.index_path}"
                lacking = sorted(set(file.members) - set(index))
                if lacking:
                    raise InvalidDataError(f"{what}: expected member {lacking[0]}, found {len(index)} others")
                valid = init_time + file.lead_hours * _HOUR
                return [IndexedFile(init_time, valid, address.path, index[one], one) for one in file.members]
        path = file.addresses[0].index_path
        raise MissingDataError(
            f"{store.location}/{path}: expected the forecast from {iso(init_time)} at {file.lead_hours} h, found none "
            "there; it is not published yet, or no longer"
        )

    return [one for some in in_parallel(found, files) for one in some]


def _at_lead(indexed: Sequence[IndexedFile], read: Callable[[int], Sequence[IndexedFile]]) -> AtLead:
    """Find files by member and lead time; those of a lead time that is not known yet are read once."""
    known = {(one.member, int((one.valid_time - one.init_time) / _HOUR)): one for one in indexed}

    def found(member: int, lead: int) -> IndexedFile:
        if (member, lead) not in known:
            known.update({(one.member, lead): one for one in read(lead)})
        return known[member, lead]

    return found


def _opened(store: RemoteFiles, files: Sequence[IndexedFile], channels: Sequence[str], at_lead: AtLead) -> xr.Dataset:
    where = f"forecast {store.location}"
    stored = []
    for name in channels:
        summed = channel(name).variable.accumulation_hours
        stored += amounts_of(store, files, name, at_lead) if summed else fields_of(store, files, name)
    found = []
    for part in arrange(stored, store.location, forecast=True):
        long = {dim: [part[dim].item()] for dim in ("lead_time", "member") if dim not in part.dims}
        lazy = in_stored_chunks(part, where)
        found.append(canonicalise(lazy.expand_dims(list(long)) if long else lazy, where=where, forecast=True))
    joined = xr.merge(found, join="exact", compat="override")[list(channels)]
    return checked_forecast(joined, where=where)
