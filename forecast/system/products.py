"""The products section of the system file: what is derived from the members and drawn."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from forecast.system.section import Positive, Section


class Point(Section):
    """A named place for a plume."""

    name: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, lt=360)]


class Event(Section):
    """An exceedance whose probability is published; strictly above or strictly below the threshold."""

    channel: str
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError(f"expected one of 'above' and 'below' for {self.channel}")
        return self


class Products(Section):
    """What is derived from the members and drawn."""

    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.1, 0.25, 0.5, 0.75, 0.9)
    probabilities: tuple[Event, ...] = ()
    points: tuple[Point, ...] = ()
    map_channels: tuple[str, ...] = ()
    """Channels drawn as maps, stamps and plumes; the first is the headline."""
    map_lead_days: tuple[Positive, ...] = (1, 3, 5, 10)
