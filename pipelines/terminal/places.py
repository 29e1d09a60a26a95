"""Places as users write them."""

from collections.abc import Sequence

from data_catalog.errors import ConfigurationError
from forecast.products.plots.plumes import place_words
from forecast.system.products import Point

Place = tuple[float, float] | str


def point_of(place: Place, known: Sequence[Point] = ()) -> Point:
    """Return a place as a named point.

    Args:
        place: Latitude and longitude in degrees, as numbers or as text such as `51.5,-0.1`; or a name of `known`.
        known: Places with names, such as those of a system.

    Raises:
        ConfigurationError: It is not a place on the globe, and no name of a known one.
    """
    for point in known:
        if isinstance(place, str) and point.name.casefold() == place.strip().casefold():
            return point
    try:
        latitude, longitude = (float(part) for part in (place.split(",") if isinstance(place, str) else place))
        east = longitude if -180 <= longitude < 360 else float("nan")
        return Point(name=place_words(latitude, longitude), latitude=latitude, longitude=east)
    except (TypeError, ValueError):
        names = f", or one of {', '.join(point.name for point in known)}" if known else ""
        raise ConfigurationError(
            f"place: expected latitude and longitude such as (51.5, -0.1) or '51.5,-0.1'{names}, found {place!r}"
        ) from None
