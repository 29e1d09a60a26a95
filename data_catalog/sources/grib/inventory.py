"""The index that wgrib2 writes for a GRIB file: a line a field, with the first byte of its message.

    588:418238761:d=2026111500:TMP:2 m above ground:anl:
    71:13324582:d=2026111500:PRMSL:mean sea level:anl:ENS=low-res ctl

Several fields of one message have the same first byte and are numbered `4.1`, `4.2`. Source: wgrib2, "-s" and
"GRIB inventory"; NCEP GRIB 2 parameter tables
"""

import re
from dataclasses import dataclass
from typing import Self

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.messages import MessagePlace
from data_catalog.sources.grib.remote import Index

_LINE = re.compile(r"(\d+)(?:\.(\d+))?:(\d+):d=(\d{10})(?:\d{4})?:([^:]+):([^:]+):([^:]+):.*")
_ON_PRESSURE = re.compile(r"(\d+(?:\.\d+)?) mb")
ANALYSIS = "anl"
_SUM = re.compile(r"(\d+)-(\d+) (hour|day) acc fcst")
_ON_LEVELS = {"HGT": "gh", "TMP": "t", "UGRD": "u", "VGRD": "v", "VVEL": "w", "SPFH": "q", "RH": "r"}
"""Names of GRIB fields by NCEP's abbreviations, on pressure levels."""
_LONE = {
    ("PRMSL", "mean sea level"): "prmsl",
    ("PRES", "surface"): "sp",
    ("HGT", "surface"): "orog",
    ("LAND", "surface"): "lsm",
    ("ICEC", "surface"): "ci",
    ("GUST", "surface"): "gust",
    ("CAPE", "surface"): "cape",
    ("TMP", "2 m above ground"): "2t",
    ("DPT", "2 m above ground"): "2d",
    ("UGRD", "10 m above ground"): "10u",
    ("VGRD", "10 m above ground"): "10v",
    ("UGRD", "100 m above ground"): "100u",
    ("VGRD", "100 m above ground"): "100v",
    ("PWAT", "entire atmosphere (considered as a single layer)"): "pwat",
    ("TCDC", "entire atmosphere"): "tcc",
}
"""Names of GRIB fields by abbreviation and level."""


@dataclass(frozen=True)
class InventoryLine:
    """What one line says of a field.

    Attributes:
        start: First byte of its message.
        part: Which field of its message it is, from 0.
        variable: NCEP's abbreviation.
        level: Words for the level.
        time: `anl`, or the lead time in words.
    """

    start: int
    part: int
    variable: str
    level: str
    time: str

    @classmethod
    def of(cls, line: str) -> Self | None:
        """Read a line; None if it is none of an inventory.

        Args:
            line: The line, without its end.
        """
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        return cls(int(found[3]), int(found[2] or 1) - 1, found[5], found[6], found[7])

    @property
    def name(self) -> str | None:
        """Name of the field, as `data_catalog.sources.grib.fields` names fields; None if no channel has it."""
        pressure = _ON_PRESSURE.fullmatch(self.level)
        if pressure is None:
            return _LONE.get((self.variable, self.level))
        short = _ON_LEVELS.get(self.variable)
        return None if short is None else f"{short}_{float(pressure[1]):g}hPa"

    @property
    def precipitation(self) -> str | None:
        """Name of a sum of precipitation with its first and last hour, such as `tp_18-24`; None if it is none."""
        hours = _SUM.fullmatch(self.time)
        if hours is None or (self.variable, self.level) != ("APCP", "surface"):
            return None
        unit = 24 if hours[3] == "day" else 1
        return f"tp_{int(hours[1]) * unit}-{int(hours[2]) * unit}"


def read_inventory(content: bytes, what: str, lead_hours: int = 0) -> Index:
    """Read where the fields of a file at a lead time lie; fields that no channel is made of are passed over.

    Args:
        content: The index.
        what: URL of the index; errors start with it.
        lead_hours: Lead time; 0 for the analysed fields. Of means and sums over hours, those
            of precipitation are taken, as `tp_18-24`; until hour 6 the bucket and the sum since the start are the same.

    Returns:
        Place by name. The last message of a file has a length of 0: only itself says how long it is.

    Raises:
        InvalidDataError: A line is none of an inventory, or a field is there twice.
    """
    lines = _lines(content, what)
    starts = sorted({line.start for line in lines})
    length = {start: after - start for start, after in zip(starts, [*starts[1:], starts[-1]], strict=True)}
    found: dict[str, MessagePlace] = {}
    for line in lines:
        if lead_hours and line.precipitation:
            found.setdefault(line.precipitation, MessagePlace(line.start, length[line.start], line.part))
        if line.name is None or line.time != (f"{lead_hours} hour fcst" if lead_hours else ANALYSIS):
            continue
        if line.name in found:
            raise InvalidDataError(f"{what}: expected {line.variable} at {line.level} once, found it twice")
        found[line.name] = MessagePlace(line.start, length[line.start], line.part)
    return found


def _lines(content: bytes, what: str) -> list[InventoryLine]:
    lines = []
    for number, text in enumerate(content.decode("ascii", "replace").splitlines(), 1):
        line = InventoryLine.of(text)
        if line is None:
            raise InvalidDataError(
                f"{what}: line {number}: expected number:byte:d=date:variable:level:time:, found {text[:60]!r}"
            )
        lines.append(line)
    if not lines:
        raise InvalidDataError(f"{what}: expected an index of a GRIB file, found an empty one")
    return lines
