"""Parses times and durations of the command line."""

import re
from datetime import UTC, date, datetime

import numpy as np

from data_catalog.clock import utc_now
from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import FIRST_YEAR, LAST_YEAR

LAST_OF_DAY = np.timedelta64(24 * 3600 * 10**9 - 1, "ns")
"""From midnight to the last nanosecond of the day."""
_DURATION = re.compile(r"^\s*(\d+)\s*(d|h|days?|hours?)\s*$")


def parse_time(text: str, option: str = "time") -> np.datetime64:
    """Read an ISO 8601 time; one without an offset is UTC.

    Args:
        text: The time, such as 2008-01-10 or 2008-01-10T06+01:00.
        option: Option that the text comes from; errors start with it.

    Raises:
        ConfigurationError: The text is not a time, or one that nanoseconds since 1970 cannot count.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option}: expected an ISO time such as 2008-01-10T00, found '{text}'") from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ConfigurationError(f"{option}: expected a time in {FIRST_YEAR} to {LAST_YEAR}, found '{text}'")
    return np.datetime64(moment, "ns")


def parse_end(text: str, option: str = "time") -> np.datetime64:
    """Read an ISO 8601 time that ends a period: a bare day means its last nanosecond.

    Args:
        text: The time.
        option: Option that the text comes from; errors start with it.

    Raises:
        ConfigurationError: The text is not a time.
    """
    moment = parse_time(text, option)
    return moment + (LAST_OF_DAY if _is_bare_day(text) else np.timedelta64(0, "ns"))


def parse_moment(text: str, option: str = "time") -> date:
    """Read an ISO 8601 day as a date, or a time as a datetime in UTC without an offset.

    Args:
        text: The day or time.
        option: Option that the text comes from; errors start with it.

    Raises:
        ConfigurationError: The text is neither.
    """
    moment = parse_time(text, option).astype("datetime64[us]").item()
    assert isinstance(moment, datetime)
    return moment.date() if _is_bare_day(text) else moment


def parse_hours(text: str, option: str = "duration") -> int:
    """Read a duration such as 10d or 36h.

    Args:
        text: The duration.
        option: Option that the text comes from; errors start with it.

    Returns:
        Hours, more than 0.

    Raises:
        ConfigurationError: The text is not a duration.
    """
    match = _DURATION.match(text)
    hours = int(match[1]) * (24 if match[2].startswith("d") else 1) if match else 0
    if hours <= 0:
        raise ConfigurationError(f"{option}: expected a duration such as 10d or 36h, found '{text}'")
    return hours


def lead_steps(hours: int, step_hours: int, option: str = "--lead") -> int:
    """Return the number of lead steps in a lead time.

    Args:
        hours: Lead time, hours.
        step_hours: Length of a lead step, hours.
        option: Option that the lead time comes from; errors start with it.

    Raises:
        ConfigurationError: The lead time is not a multiple of the step.
    """
    if hours % step_hours:
        raise ConfigurationError(
            f"{option}: expected a multiple of the forecast's step of {step_hours} h, found {hours} h"
        )
    return hours // step_hours


def now() -> np.datetime64:
    """Return the current time in UTC, without an offset."""
    return np.datetime64(utc_now().replace(tzinfo=None), "ns")


def _is_bare_day(text: str) -> bool:
    return re.fullmatch(r"\s*\d{4}-?\d{2}-?\d{2}\s*", text) is not None
