"""Conditions on a forecast: a value of a channel at a place and lead time, observed or imposed, with its error.

A condition is written as text, `msl@64N,22W < 97500 at 72h`: a channel, a point or a box of latitudes and longitudes, a
comparison, a number in SI units, `+-` its standard error if it has one, and a lead time.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from data_catalog.errors import ConfigurationError
from data_catalog.suggestions import did_you_mean

Relation = Literal["=", "<", "<=", ">", ">="]
FORM = "'msl@64N,22W < 97500 at 72h' or 't2m@40N:50N,0E:20E = 290 +- 1 at 2d'"
"""How a condition is written, for messages."""
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_DEGREES = re.compile(rf"(?P<size>{_NUMBER})(?P<side>[NSEW]?)", re.IGNORECASE)
_CONDITION = re.compile(
    rf"\s*(?P<channel>[A-Za-z]\w*)\s*@\s*(?P<place>[^<>=]+?)\s*(?P<relation><=|>=|<|>|=)\s*(?P<value>{_NUMBER})"
    rf"\s*(?:(?:\+-|±)\s*(?P<error>{_NUMBER}))?\s+at\s+(?P<lead>\d+)\s*(?P<unit>[hd])\s*"
)


@dataclass(frozen=True)
class Place:
    """A point, or a box whose mean over area counts.

    Attributes:
        south: Southern latitude, degrees north.
        north: Northern latitude; `south` for a point.
        west: Western longitude, degrees east.
        east: Eastern longitude, larger than `west`; `west` for a point.
    """

    south: float
    north: float
    west: float
    east: float

    @property
    def is_point(self) -> bool:
        """Whether it is a point."""
        return (self.south, self.west) == (self.north, self.east)

    def __str__(self) -> str:
        latitudes = dict.fromkeys(_written(each, "N", "S") for each in (self.south, self.north))
        longitudes = dict.fromkeys(_written((each + 180) % 360 - 180, "E", "W") for each in (self.west, self.east))
        return f"{':'.join(latitudes)},{':'.join(longitudes)}"


@dataclass(frozen=True)
class Condition:
    """What a member is to be at one place and lead time.

    Attributes:
        channel: Channel name.
        place: Point or box.
        lead_hours: Lead time, hours.
        relation: `=` for a value that was observed or is imposed, else a threshold.
        value: SI units.
        error: Standard error of `value`, same units; 0 for an exact one.
    """

    channel: str
    place: Place
    lead_hours: int
    relation: Relation
    value: float
    error: float = 0.0

    @property
    def quantity(self) -> str:
        """Channel, place and lead time in a few words."""
        return f"{self.channel}@{self.place} at {self.lead_hours}h"

    @property
    def interval(self) -> tuple[float, float]:
        """Smallest and largest value that meets it, before its error."""
        if self.relation == "=":
            return self.value, self.value
        return (-np.inf, self.value) if self.relation in ("<", "<=") else (self.value, np.inf)

    def __str__(self) -> str:
        error = f" +- {self.error!r}" if self.error else ""
        return f"{self.channel}@{self.place} {self.relation} {self.value!r}{error} at {self.lead_hours}h"


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Args:
        text: Such as `msl@64N,22W < 97500 at 72h`, or `z500@40N:50N,10W:20E = 54000 +- 100 at 2d`.

    Raises:
        ConfigurationError: It is not of this form, or not on the globe.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"condition: expected one such as {FORM}, found '{text.strip()}'")
    error = float(found["error"] or 0)
    if error < 0:
        raise ConfigurationError(f"condition '{text.strip()}': expected an error of at least 0, found {error:g}")
    return Condition(
        channel=found["channel"],
        place=_parse_place(found["place"], text.strip()),
        lead_hours=int(found["lead"]) * (24 if found["unit"] == "d" else 1),
        relation=cast(Relation, found["relation"]),
        value=float(found["value"]),
        error=error,
    )


def check_conditions(
    conditions: Sequence[Condition], channels: Sequence[str], step_hours: int, lead_steps: int
) -> None:
    """Check that conditions are on what a forecast has, and do not contradict each other by themselves.

    Args:
        conditions: At least one.
        channels: Channels of the forecast.
        step_hours: Length of a lead step, hours.
        lead_steps: Length of the forecast in steps.

    Raises:
        ConfigurationError: A channel is unknown, a lead is no step of the forecast, or conditions on one quantity
            exclude each other.
    """
    last = step_hours * lead_steps
    for one in conditions:
        if one.channel not in channels:
            raise ConfigurationError(
                f"condition '{one}': expected one of the channels {', '.join(channels)}, found "
                f"'{one.channel}'{did_you_mean(one.channel, channels)}"
            )
        if not 0 < one.lead_hours <= last or one.lead_hours % step_hours:
            raise ConfigurationError(
                f"condition '{one}': expected a lead of {step_hours}, {2 * step_hours} ... {last} h, the steps of this "
                f"forecast, found {one.lead_hours} h"
            )
    _check_agreement(conditions)


def conditions_hash(conditions: Sequence[Condition]) -> str:
    """Return the SHA-256 of conditions, 64 hexadecimal digits; their order counts.

    Args:
        conditions: Any number of them.
    """
    return hashlib.sha256("\n".join(map(str, conditions)).encode()).hexdigest()


def settings_hash(system_hash: str, conditions: Sequence[Condition]) -> str:
    """Return the hash of all settings that determine members: that of the system unless there are conditions.

    Args:
        system_hash: `System.identity_hash`.
        conditions: Conditions that the members meet; empty for a free forecast.

    Returns:
        64 hexadecimal digits.
    """
    if not conditions:
        return system_hash
    return hashlib.sha256(f"{system_hash}|{conditions_hash(conditions)}".encode()).hexdigest()


def _check_agreement(conditions: Sequence[Condition]) -> None:
    """Refuse exact conditions on one quantity that no value meets together."""
    for number, one in enumerate(conditions):
        for other in conditions[:number]:
            if one.quantity != other.quantity or one.error or other.error:
                continue
            low, high = (
                function(pair)
                for function, pair in zip((max, min), zip(one.interval, other.interval, strict=True), strict=True)
            )
            if low > high:
                raise ConfigurationError(f"conditions: expected ones that agree, found '{other}' and '{one}'")


def _parse_place(text: str, condition: str) -> Place:
    parts = [part.strip().split(":") for part in text.split(",")]
    if len(parts) != 2 or len(parts[0]) != len(parts[1]) or len(parts[0]) > 2:
        raise ConfigurationError(
            f"condition '{condition}': expected a point such as 64N,22W or a box such as 40N:50N,0E:9E, found '{text}'"
        )
    south, *north = [_degrees(each, "NS", condition) for each in parts[0]]
    west, *east = [_degrees(each, "EW", condition) for each in parts[1]]
    place = Place(south, north[0] if north else south, west, east[0] if east else west)
    if place.west > place.east:
        place = Place(place.south, place.north, place.west, place.east + 360.0)
    if not -90 <= place.south <= place.north <= 90 or (not place.is_point and place.south == place.north):
        raise ConfigurationError(f"condition '{condition}': expected latitudes from south to north, found '{text}'")
    return place


def _degrees(text: str, sides: str, condition: str) -> float:
    found = _DEGREES.fullmatch(text.strip())
    if found is None or (found["side"] and found["side"].upper() not in sides):
        raise ConfigurationError(f"condition '{condition}': expected degrees such as 64{sides[0]}, found '{text}'")
    size = float(found["size"])
    degrees = -size if found["side"].upper() in ("S", "W") else size
    if abs(degrees) > (90 if sides == "NS" else 360):
        raise ConfigurationError(f"condition '{condition}': expected a place on the globe, found '{text}'")
    return degrees


def _written(degrees: float, positive: str, negative: str) -> str:
    return f"{abs(degrees):.6g}{positive if degrees >= 0 else negative}"
