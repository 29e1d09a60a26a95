"""The one spelling of times: UTC, by ISO 8601."""

import numpy as np
from numpy.typing import NDArray

DAYS_IN_YEAR = 365.25

FIRST_YEAR, LAST_YEAR = 1678, 2261
"""The whole years that can be counted in nanoseconds since 1970."""


def iso(time: np.datetime64) -> str:
    """Return a time to the minute as messages and files spell it, such as `2008-01-10T00:00Z`.

    Args:
        time: UTC.
    """
    return f"{minute(time)}Z"


def minute(time: np.datetime64) -> str:
    """Return a time to the minute without its zone, such as `2008-01-10T00:00`, as some records keep it.

    Args:
        time: UTC.
    """
    return str(np.datetime_as_string(time, unit="m"))


def day(time: np.datetime64) -> str:
    """Return the day of a time, such as `2008-01-10`.

    Args:
        time: UTC.
    """
    return str(np.datetime_as_string(time, unit="D"))


def hours_of_day(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return the hour of the day of each time, 0 to 23.

    Args:
        times: In any order, UTC.
    """
    return np.asarray(times.astype("datetime64[h]").astype(np.int64) % 24)


def seconds_of_day(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Seconds since midnight.

    Args:
        times: Times of any days.
    """
    seconds: NDArray[np.int64] = (times.astype("datetime64[s]") - times.astype("datetime64[D]")).astype(np.int64)
    return seconds


def season_distance(times: NDArray[np.datetime64], others: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Days between the seasons of times, whatever their years: at most half a year.

    Args:
        times: Times.
        others: Other times, of the same shape or one that is broadcast to it.
    """
    distance = np.abs(_season(times) - _season(others))
    nearest: NDArray[np.float64] = np.minimum(distance, DAYS_IN_YEAR - distance)
    return nearest


def _season(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    years = times.astype("datetime64[Y]")
    length = (years + 1).astype("datetime64[s]") - years.astype("datetime64[s]")
    fraction: NDArray[np.float64] = (times.astype("datetime64[s]") - years.astype("datetime64[s]")) / length
    return fraction * DAYS_IN_YEAR


def span(times: NDArray[np.datetime64]) -> str:
    """Return how many times there are, with the first and the last, as the end of an error.

    Args:
        times: UTC, in any order.
    """
    return f"{times.size} times from {iso(times.min())} to {iso(times.max())}" if times.size else "no times"


def at_time(times: NDArray[np.datetime64] | None, index: int) -> str:
    """Return ` at 2008-01-10T00:00Z`, to go on after a field's name in an error; nothing for a field without time.

    Args:
        times: Of the field, UTC; None where it has no time.
        index: Which of them.
    """
    return "" if times is None else f" at {iso(times[index])}"
