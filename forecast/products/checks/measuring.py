"""Measures every field of a forecast file in one pass, for the checks before publication."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt

from data_catalog.errors import InvalidDataError
from data_catalog.layout.cells import Cells
from data_catalog.layout.variables import channel
from forecast.products.files import cf
from forecast.products.files.netcdf import VALUES_WRITTEN, digest_of

Planes = npt.NDArray[np.float32]


@dataclass
class Measured:
    """What was measured of a forecast file.

    Attributes:
        members: Member numbers in the file.
        lead_hours: Lead times in the file, hours.
        channels: Channels in the file.
        fields: Number of fields read: one for each channel, member and lead.
        values: Number of values read.
        not_finite: Places of fields with values that are not finite, as text.
        outside: Places of fields with values outside the plausible range, as text.
        checksums: CRC-32 of each field, by channel, position of the member and of the lead.
        spread: Area-weighted spread by channel and lead, units of the channel; empty for a single member.
        written: Digest of the values that the writer was given; empty in files of earlier releases.
    """

    members: tuple[int, ...]
    lead_hours: tuple[int, ...]
    channels: tuple[str, ...]
    fields: int = 0
    values: int = 0
    not_finite: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    checksums: dict[tuple[str, int, int], int] = field(default_factory=dict)
    spread: dict[str, list[float]] = field(default_factory=dict)
    written: str = ""

    @property
    def digest(self) -> str:
        """Digest of the values that were read."""
        return digest_of(self.checksums)


def measure_forecast(path: Path, channels: Sequence[str]) -> Measured:
    """Read every field of a forecast file of ours once.

    Args:
        path: The file.
        channels: Channels that are looked for; others in the file are not read.

    Raises:
        InvalidDataError: It cannot be read.
    """
    try:
        with netCDF4.Dataset(path) as stored:
            stored.set_auto_maskandscale(False)
            measured = _empty(stored, channels)
            weights = Cells(_axis(stored, "latitude"), _axis(stored, "longitude")).areas
            for name in measured.channels:
                cf.keep_one_chunk(stored.variables[name])
                for lead_index in range(len(measured.lead_hours)):
                    planes = np.ascontiguousarray(stored.variables[name][:, lead_index])
                    _measure(measured, name, lead_index, planes, weights)
    except (OSError, RuntimeError, KeyError) as error:
        raise InvalidDataError(f"{path}: expected a readable forecast file, found {error}") from error
    return measured


def _empty(stored: netCDF4.Dataset, channels: Sequence[str]) -> Measured:
    hours = np.asarray(stored.variables["forecast_period"][:], np.float64).round().astype(int)
    return Measured(
        members=tuple(stored.variables["realization"][:].tolist()),
        lead_hours=tuple(hours.tolist()),
        channels=tuple(name for name in channels if name in stored.variables),
        written=str(getattr(stored, VALUES_WRITTEN, "")),
    )


def _axis(stored: netCDF4.Dataset, name: str) -> npt.NDArray[np.float64]:
    return np.asarray(stored.variables[name][:], np.float64)


def _measure(measured: Measured, name: str, lead_index: int, planes: Planes, weights: npt.NDArray[np.float64]) -> None:
    """Add all members of one channel at one lead, (member, latitude, longitude)."""
    low, high = channel(name).plausible
    place = f"{name} at {measured.lead_hours[lead_index]} h"
    for position, plane in enumerate(planes):
        measured.checksums[name, position, lead_index] = zlib.crc32(plane.data)
        where = f"{place}, member {measured.members[position]}"
        if not np.isfinite(plane).all():
            measured.not_finite.append(where)
        elif plane.min() < low or plane.max() > high:
            found = plane.min() if plane.min() < low else plane.max()
            measured.outside.append(f"{where}: {found:g}, expected {low:g} to {high:g} {channel(name).variable.units}")
    measured.fields += len(planes)
    measured.values += planes.size
    if len(planes) > 1:
        variance = np.var(planes, axis=0, ddof=1, dtype=np.float64).mean(axis=1)
        measured.spread.setdefault(name, []).append(float(np.sqrt((variance * weights).mean())))
