"""The products section of the system file: what is computed and drawn from the members."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from forecast.system.section import Positive, Section


class Point(Section):
    """A named place that a plume is drawn for."""

    name: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    """Degrees north."""
    longitude: Annotated[float, Field(ge=-180, lt=360)]
    """Degrees east."""


class Event(Section):
    """An event whose probability is published: a channel strictly above, or strictly below, a threshold."""

    channel: str
    above: float | None = None
    """Threshold, SI units of the channel."""
    below: float | None = None
    """Threshold, SI units of the channel."""

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError(f"expected one of 'above' and 'below' for {self.channel}")
        return self


class Products(Section):
    """What is computed and drawn from the members."""

    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.1, 0.25, 0.5, 0.75, 0.9)
    probabilities: tuple[Event, ...] = ()
    points: tuple[Point, ...] = ()
    """Places that plumes are drawn for."""
    map_channels: tuple[str, ...] = ()
    """Channels that are drawn as maps, stamps and plumes; the first one heads the page."""
    map_lead_days: tuple[Positive, ...] = (1, 3, 5, 10)
    """Lead times of the maps, days."""
