"""What a GRIB message is a field of: its name with its level, its times, its member and its grid.

A name says all that tells one field from another: `z_500hPa`, `2t`, `t_80heightAboveGround`, `tp6`, `tcc_avg`. What the
variable table does not know under such a name is passed over, so a field on another kind of level or summed over other
hours can never be taken for a channel.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from data_catalog.layout.variables import VARIABLES, is_field_name, is_levelled_name
from data_catalog.sources.grib.grids import GribGrid
from data_catalog.sources.grib.library import OpenMessage

ANALYSIS, ENSEMBLE, REANALYSIS = "an", "ensemble", "reanalysis"
_REANALYSES = frozenset({"ea", "ep", "ei", "e4", "er", "e2", "em", "et", "ue", "ur", "rr", "cr"})
"""MARS classes whose short forecasts follow one another, so that sums of each hour are a series, as analyses are."""
_KINDS = {"an": ANALYSIS, "pf": ENSEMBLE, "cf": ENSEMBLE}
_STATISTICS = frozenset({"em", "es", "ep", "pb", "pd", "fcmean", "fcmax", "fcmin", "fcstdev"})
"""Types of data that are no weather: means, spreads and probabilities over members or months."""
_LONE_LEVELS = frozenset(
    {"surface", "meanSea", "atmosphere", "entireAtmosphere", "atmosphereSingleLayer", "nominalTop", "depthBelowLand",
     "depthBelowLandLayer", "heightAboveGround", "iceTopOnWater"}
)  # fmt: skip
_ON_PRESSURE = {"isobaricInhPa": 1.0, "isobaricInPa": 0.01}
_CELL_METHODS = {"instant": "point", "accum": "sum", "avg": "mean", "max": "maximum", "min": "minimum"}
_ON_GROUND = {"z": "geopotential_at_surface", "gh": "orog"}


@dataclass(frozen=True)
class GribField:
    """What one message says of itself.

    Attributes:
        name: What the field is, with its level.
        kind: `an`, `ensemble`, `reanalysis` for a short forecast of one, or another type of data as ECMWF abbreviates
            it, such as `fc`.
        init_time: Start, or time of an analysis, UTC.
        valid_time: Time that it is valid at, UTC; the end of the time that a sum or mean is over.
        member: Number of the member; 0 where there are none.
        grid: Its grid.
        units: As ecCodes spells them.
        long_name: Words for it.
        cell_methods: How values stand for their times, as CF says it; empty where that is unknown.
    """

    name: str
    kind: str
    init_time: np.datetime64
    valid_time: np.datetime64
    member: int
    grid: GribGrid
    units: str
    long_name: str
    cell_methods: str

    @classmethod
    def of(cls, message: OpenMessage, what: str) -> Self:
        """Read what a message says.

        Args:
            message: As ecCodes opened it.
            what: File and message; errors start with it.

        Raises:
            InvalidDataError: Its dates are none.
        """
        method = _CELL_METHODS.get(message.text("stepType"), "")
        return cls(
            name=field_name(message),
            kind=_kind(message),
            init_time=_time(message, "dataDate", "dataTime", what),
            valid_time=_time(message, "validityDate", "validityTime", what),
            member=message.whole("number") or 0,
            grid=GribGrid.of(message),
            units=message.text("units"),
            long_name=message.text("name"),
            cell_methods=f"time: {method}" if method else "",
        )

    @property
    def described(self) -> str:
        """The field in a few words, for an error."""
        member = f" of member {self.member}" if self.kind == ENSEMBLE else ""
        return f"{self.name} ({self.kind}){member} from {iso(self.init_time)} for {iso(self.valid_time)}"


def _kind(message: OpenMessage) -> str:
    kind = message.text("dataType")
    if kind == "fc" and message.text("marsClass") in _REANALYSES:
        return REANALYSIS
    return _KINDS.get(kind, kind)


def field_name(message: OpenMessage) -> str:
    """Return the name of a field with its level, as this module's first lines show.

    Args:
        message: As ecCodes opened it.
    """
    name = _short_name(message)
    kind_of_level, level = message.text("typeOfLevel"), message.text("level")
    statistic = message.text("dataType")
    if kind_of_level in _ON_PRESSURE:
        name = f"{name}_{float(level) * _ON_PRESSURE[kind_of_level]:g}hPa"
    elif kind_of_level == "soilLayer" and name == "vsw":
        name = f"swvl{level}"
    elif kind_of_level == "surface" and name in _ON_GROUND:
        name = _ON_GROUND[name]
    elif not _is_lone(name, kind_of_level, level):
        name = f"{name}_{level}{kind_of_level}"
    return name + _over_time(message, name) + (f"_{statistic}" if statistic in _STATISTICS else "")


def _is_lone(name: str, kind_of_level: str, level: str) -> bool:
    """Whether a field is on the one level that its name stands for, such as the temperature at 2 m."""
    if kind_of_level not in _LONE_LEVELS or is_levelled_name(name):
        return False
    return is_field_name(name) or level in ("", "0")


def _short_name(message: OpenMessage) -> str:
    name = message.text("shortName")
    if name not in ("", "unknown", "~"):
        return name
    if message.whole("edition") == 1:
        return f"unknown_{message.text('table2Version')}_{message.text('indicatorOfParameter')}"
    return "unknown_" + "_".join(message.text(key) for key in ("discipline", "parameterCategory", "parameterNumber"))


def _over_time(message: OpenMessage, name: str) -> str:
    """What to add to a name for the hours of a sum, or for a statistic over time that the variable is not known as."""
    over = message.text("stepType")
    if over == "accum" and f"{name}24" in VARIABLES:
        first, last = message.text("startStep"), message.text("endStep")
        hours = int(last) - int(first) if first.isdigit() and last.isdigit() else None
        return str(hours) if hours else f"_{message.text('stepRange')}"
    known = next((one for one in VARIABLES.values() if name in one.names), None)
    if over in ("instant", "accum", "") or known is None or known.cell_methods == f"time: {_CELL_METHODS.get(over)}":
        return ""
    return f"_{over}"


def _time(message: OpenMessage, date_key: str, time_key: str, what: str) -> np.datetime64:
    day, clock = f"{message.whole(date_key) or 0:08d}", f"{message.whole(time_key) or 0:04d}"
    try:
        return np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:]}", "m")
    except ValueError:
        raise InvalidDataError(
            f"{what}: expected {date_key} and {time_key} of the calendar, found {day} {clock}"
        ) from None
