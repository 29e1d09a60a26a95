"""The forecast file: all members at all leads as CF-1.11 NetCDF, written block by block in bounded memory."""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import netCDF4
import numpy as np
import numpy.typing as npt
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from forecast.products.files import cf
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.rounding import bit_round, kept_bits

FIELD_DIMENSIONS = ("realization", "time", "latitude", "longitude")
CHECKED_TOGETHER_BYTES = 16 * 2**20
VALUES_WRITTEN = "plumecast_values_sha256"
"""Global attribute of a forecast file with a digest of the values that the writer was given."""


def digest_of(checksums: Mapping[tuple[str, int, int], int]) -> str:
    """Return a digest of all values of a forecast file.

    Args:
        checksums: CRC-32 of each field, by channel, position of the member and of the lead.

    Returns:
        64 hexadecimal digits.
    """
    lines = (f"{name} {position} {lead} {crc:08x}" for (name, position, lead), crc in sorted(checksums.items()))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class ForecastWriter:
    """Writes the members of one cycle in any order; the file gets its final name once it is complete and checked.

    The writer is a context manager. Leaving it without an exception reads the file back, compares every field with the
    one given, and renames the file; leaving it with an exception removes the file. A chunk is one member at one lead
    time, so the stored values do not depend on the order of the blocks.

    Args:
        path: Final path; an existing file is replaced at the end.
        channels: Channel names such as `z500`, each a variable of the file.
        axes: Grid, init time and lead times.
        members: Distinct member numbers; the file keeps their order.
        attributes: Global attributes; title, institution, source, history and references are required.
        step_hours: Interval in hours of sums and means for which the variable table gives none.

    Raises:
        ConfigurationError: A channel is unknown, a global attribute is missing, or the disk cannot be written.
        InvalidDataError: A coordinate is unusable; on leaving, a block is missing or the file reads back other values.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        channels: Sequence[str],
        axes: cf.ForecastAxes,
        members: Sequence[int],
        attributes: Mapping[str, str],
        step_hours: int,
    ) -> None:
        self.path = Path(path)
        self.channels = tuple(channels)
        self.members = tuple(int(member) for member in members)
        self.axes = cf.ForecastAxes(
            np.asarray(axes.latitude, dtype=np.float64),
            np.asarray(axes.longitude, dtype=np.float64),
            axes.init_time.astype("datetime64[ns]"),
            np.asarray(axes.lead_times).astype("timedelta64[ns]"),
        )
        cf.check_axes(self.axes)
        if not self.members or len(set(self.members)) != len(self.members) or min(self.members) < 0:
            raise InvalidDataError(f"{self.path.name}: expected distinct member numbers from 0, found {self.members}")
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise InvalidDataError(f"{self.path.name}: expected distinct channels, found {self.channels}")
        self._attributes = dict(attributes)
        self._accumulation = cf.accumulation_of(self.channels, step_hours)
        self._bits = {name: kept_bits(channel(name).variable.short_name) for name in self.channels}
        self._position = {member: index for index, member in enumerate(self.members)}
        self._checksums: dict[tuple[str, int, int], int] = {}
        self._resources = ExitStack()
        self._dataset: netCDF4.Dataset | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack, disk_errors(self.path):
            self._partial = stack.enter_context(atomic_path(self.path))
            self._dataset = netCDF4.Dataset(self._partial, "w", format="NETCDF4")
            stack.callback(self._abandon)
            self._create(self._dataset)
            self._resources = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._resources.__exit__(kind, error, traceback)
            return
        with self._resources, disk_errors(self.path):
            self._check_delivered()
            assert self._dataset is not None
            self._dataset.setncattr(VALUES_WRITTEN, digest_of(self._checksums))
            self._close()
            self._check_stored()

    def write(self, members: Sequence[int], lead_index: int, fields: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Write some members at one lead.

        Args:
            members: Member numbers of the file, not yet written at this lead.
            lead_index: Index of the lead time, counted from 0.
            fields: For each channel an array (member, latitude, longitude) in the units of the variable table.

        Raises:
            ValueError: The writer is not open.
            InvalidDataError: The channels differ from the file's, a member or lead time is not in the file or was
                written before, a shape is wrong, or a value is not finite.
            ConfigurationError: The disk cannot be written.
        """
        if self._dataset is None:
            raise ValueError(f"{self.path.name}: the writer is not open")
        self._check_block(members, lead_index, fields)
        for name in self.channels:
            values = bit_round(np.asarray(fields[name], dtype=np.float32), self._bits[name])
            self._check_finite(name, members, lead_index, values)
            positions = [self._position[int(member)] for member in members]
            with disk_errors(self.path):
                self._write_planes(self._dataset.variables[name], positions, lead_index, values)
            for position, plane in zip(positions, values, strict=True):
                self._checksums[name, position, lead_index] = zlib.crc32(np.ascontiguousarray(plane).data)

    @staticmethod
    def _write_planes(
        variable: "netCDF4.Variable[Any]", positions: Sequence[int], lead_index: int, values: npt.NDArray[np.float32]
    ) -> None:
        """Write planes that are adjacent in the file in one call, because a call costs more than a small plane."""
        if positions and all(later - earlier == 1 for earlier, later in pairwise(positions)):
            variable[positions[0] : positions[-1] + 1, lead_index] = values
            return
        for position, plane in zip(positions, values, strict=True):
            variable[position, lead_index] = plane

    def _create(self, dataset: netCDF4.Dataset) -> None:
        cf.write_global_attributes(dataset, self._attributes)
        dataset.createDimension("realization", len(self.members))
        cf.write_axes(dataset, self.axes, accumulation=self._accumulation)
        realization = dataset.createVariable("realization", "i4", ("realization",))
        realization.setncatts({"standard_name": "realization", "long_name": "member number", "units": "1"})
        realization[:] = self.members
        for name in self.channels:
            cf.write_level(dataset, channel(name))
            self._create_field(dataset, name)

    def _create_field(self, dataset: netCDF4.Dataset, name: str) -> None:
        plane = (self.axes.latitude.size, self.axes.longitude.size)
        variable = dataset.createVariable(name, "f4", FIELD_DIMENSIONS, chunksizes=(1, 1, *plane), **cf.COMPRESSION)
        variable.setncatts(cf.field_attributes(channel(name)))
        variable.setncatts({"quantization_algorithm": "bitround", "quantization_nsb": np.int32(self._bits[name])})
        variable.set_auto_maskandscale(False)
        cf.keep_one_chunk(variable)

    def _check_block(
        self, members: Sequence[int], lead_index: int, fields: Mapping[str, npt.NDArray[np.float32]]
    ) -> None:
        where = f"{self.path.name}, lead index {lead_index}"
        if not 0 <= lead_index < self.axes.lead_times.size:
            raise InvalidDataError(f"{where}: expected a lead index from 0 to {self.axes.lead_times.size - 1}")
        if set(fields) != set(self.channels):
            raise InvalidDataError(f"{where}: expected channels {sorted(self.channels)}, found {sorted(fields)}")
        for member in members:
            position = self._position.get(int(member))
            if position is None:
                raise InvalidDataError(f"{where}: expected members of the file, found {member}")
            if (self.channels[0], position, lead_index) in self._checksums:
                raise InvalidDataError(f"{where}: expected each member once, found member {member} twice")
        expected = (len(members), self.axes.latitude.size, self.axes.longitude.size)
        for name, values in fields.items():
            if np.shape(values) != expected:
                raise InvalidDataError(f"{where}, {name}: expected shape {expected}, found {np.shape(values)}")

    def _check_finite(self, name: str, members: Sequence[int], lead_index: int, values: npt.NDArray[Any]) -> None:
        bad = ~np.isfinite(values)
        if bad.any():
            member = members[int(np.argmax(bad.any(axis=(1, 2))))]
            time = iso(self.axes.valid_times[lead_index])
            raise InvalidDataError(
                f"{self.path.name}, {name}, member {member}, valid {time}: "
                f"expected finite values, found {int(bad.sum())} others"
            )

    def _check_delivered(self) -> None:
        expected = len(self.members) * self.axes.lead_times.size
        for lead_index in range(self.axes.lead_times.size):
            for position, member in enumerate(self.members):
                if (self.channels[0], position, lead_index) not in self._checksums:
                    raise InvalidDataError(
                        f"{self.path.name}: expected {expected} fields of each channel, "
                        f"found {len(self._checksums) // len(self.channels)}; "
                        f"the first missing one is member {member} at lead index {lead_index}"
                    )

    def _check_stored(self) -> None:
        checked = 0
        together = max(1, CHECKED_TOGETHER_BYTES // (4 * self.axes.latitude.size * self.axes.longitude.size))
        with netCDF4.Dataset(self._partial) as stored:
            stored.set_auto_maskandscale(False)
            for name in self.channels:
                variable = stored.variables[name]
                cf.keep_one_chunk(variable)
                for lead_index in range(self.axes.lead_times.size):
                    for first in range(0, len(self.members), together):
                        planes = np.ascontiguousarray(variable[first : first + together, lead_index])
                        self._compare(name, first, lead_index, planes)
                        checked += len(planes)
        expected = len(self.channels) * len(self.members) * self.axes.lead_times.size
        if checked != expected:
            raise InvalidDataError(f"{self.path.name}: expected {expected} fields on reading back, found {checked}")

    def _compare(self, name: str, first: int, lead_index: int, planes: npt.NDArray[np.float32]) -> None:
        for position, plane in enumerate(planes, start=first):
            if zlib.crc32(plane.data) != self._checksums[name, position, lead_index]:
                raise InvalidDataError(
                    f"{self.path.name}, {name}, member {self.members[position]}, lead index {lead_index}: "
                    "expected the values written, found others on reading back"
                )

    def _close(self) -> None:
        if self._dataset is not None:
            dataset, self._dataset = self._dataset, None
            dataset.close()

    def _abandon(self) -> None:
        """Close a file that will be removed; on a full disk even closing it fails."""
        with suppress(OSError, RuntimeError):
            self._close()


def copy_members(source: Path | str, writer: ForecastWriter, members: Sequence[int] | None = None) -> tuple[int, ...]:
    """Copy members of an earlier forecast file of the same cycle to a writer, bit for bit, one field at a time.

    Args:
        source: A forecast file.
        writer: Open, for the same cycle, grid, lead times and channels.
        members: Member numbers to copy; None for those that both files have.

    Returns:
        The copied members, in the order of the writer.

    Raises:
        InvalidDataError: The file has another cycle, grid, set of lead times or channels, or lacks a member.
    """
    with open_forecast(source, chunked=False) as earlier:
        available = _check_same_cycle(Path(source), earlier, writer)
        wanted = available & set(writer.members) if members is None else set(members)
        if not wanted <= available:
            raise InvalidDataError(f"{Path(source).name}: expected member {min(wanted - available)}, found none")
        chosen = tuple(member for member in writer.members if member in wanted)
        for member in chosen:
            for lead_index in range(writer.axes.lead_times.size):
                plane = earlier.sel(member=[member]).isel(lead_time=lead_index)
                writer.write([member], lead_index, {name: plane[name].values for name in writer.channels})
    return chosen


def _check_same_cycle(source: Path, earlier: xr.Dataset, writer: ForecastWriter) -> set[int]:
    """Compare the axes and channels of two files of a cycle, and return the members of the earlier one."""
    axes = writer.axes
    same = {
        "init_time": earlier["init_time"].values == axes.init_time,
        "lead_time": np.array_equal(earlier["lead_time"].values, axes.lead_times),
        "latitude": np.array_equal(earlier["latitude"].values, axes.latitude),
        "longitude": np.array_equal(earlier["longitude"].values, axes.longitude),
        "channels": set(earlier.data_vars) == set(writer.channels),
    }
    for name, equal in same.items():
        if not equal:
            raise InvalidDataError(f"{source.name}: expected the {name} of {writer.path.name}, found another")
    return set(earlier["member"].values.tolist())
