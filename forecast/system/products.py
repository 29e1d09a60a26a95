"""The products section of the system file: what is computed from the members, drawn and written."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

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
    above: FiniteFloat | None = None
    """Threshold, SI units of the channel."""
    below: FiniteFloat | None = None
    """Threshold, SI units of the channel."""

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError(f"expected one of 'above' and 'below' for {self.channel}")
        return self

    @property
    def side(self) -> Literal["above", "below"]:
        """The side of the threshold on which the event occurs."""
        return "below" if self.above is None else "above"

    @property
    def threshold(self) -> float:
        """The threshold, SI units of the channel."""
        value = self.below if self.above is None else self.above
        assert value is not None
        return value


class Products(Section):
    """What is computed from the members, drawn and written."""

    added: ClassVar[Mapping[str, Any]] = {"zarr": False}

    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.1, 0.25, 0.5, 0.75, 0.9)
    probabilities: tuple[Event, ...] = ()
    points: tuple[Point, ...] = ()
    """Places that plumes are drawn for."""
    map_channels: tuple[str, ...] = ()
    """Channels that are drawn as maps, stamps and plumes; the first one heads the page."""
    map_lead_days: tuple[Positive, ...] = (1, 3, 5, 10)
    """Lead times of the maps, days."""
    zarr: bool = False
    """Whether the members are also written as Zarr, in the layout of WeatherBench2."""
