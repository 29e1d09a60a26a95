"""The verification section of the system file: baselines, and the regions that are scored.

It is defined here and not in `forecast.verification`, because the model reads system files and must not import scores.
"""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel
from forecast.system.section import Positive, Section

RegionName = Literal["global", "northern-extratropics", "southern-extratropics", "tropics", "europe", "north-america"]
"""Built-in regions; `forecast.verification.regions` defines their boundaries."""
BaselineName = Literal["climatology", "persistence", "linear", "analogue"]
OwnRegionName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class ScoreBox(Section):
    """A user-defined region: a range of latitudes and longitudes, degrees, with its edges."""

    name: OwnRegionName
    south: Annotated[float, Field(ge=-90, le=90)]
    north: Annotated[float, Field(ge=-90, le=90)]
    west: Annotated[float, Field(ge=-360, le=360)] = 0.0
    """Western edge; a box across the prime meridian is `west = -10.0, east = 20.0`."""
    east: Annotated[float, Field(ge=-360, le=720)] = 360.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.south >= self.north:
            raise ValueError(f"expected south below north, found {self.south:g} and {self.north:g}")
        if not 0 < self.east - self.west <= 360:
            raise ValueError(
                f"expected east beyond west by 360 degrees at most (as -10 and 20), found {self.west:g} and "
                f"{self.east:g}"
            )
        return self


class ScoreMask(Section):
    """A user-defined region: where a static channel is strictly above or strictly below a threshold."""

    name: OwnRegionName
    channel: str
    above: float | None = None
    below: float | None = None
    within: str | None = None
    """Built-in region or box that the mask is restricted to; None for the whole grid."""

    @model_validator(mode="after")
    def _static_and_bounded(self) -> Self:
        try:
            known = channel(self.channel)
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        if not known.variable.static:
            raise ValueError(f"expected a channel that never changes, such as lsm, found '{self.channel}'")
        if self.above is None and self.below is None:
            raise ValueError(f"expected 'above', 'below' or both for {self.channel}")
        return self


class Verification(Section):
    """How a run is scored. The whole grid is always scored: as `global`, or as `domain` if the grid is a region."""

    baseline_eofs: Positive = 100
    """Number of empirical orthogonal functions of the linear baseline."""
    baselines: tuple[BaselineName, ...] = get_args(BaselineName)
    regions: tuple[RegionName, ...] | None = None
    """Built-in regions to score; each must lie on the grid. None for all that do."""
    boxes: tuple[ScoreBox, ...] = ()
    masks: tuple[ScoreMask, ...] = ()

    @model_validator(mode="after")
    def _distinct_regions(self) -> Self:
        built_in = get_args(RegionName)
        taken = {*built_in, "domain"}
        own: tuple[ScoreBox | ScoreMask, ...] = (*self.boxes, *self.masks)
        for region in own:
            if region.name in taken:
                raise ValueError(f"expected distinct names of regions, found '{region.name}' twice")
            taken.add(region.name)
        places = [*built_in, *(box.name for box in self.boxes)]
        for mask in self.masks:
            if mask.within is not None and mask.within not in places:
                raise ValueError(f"masks.within: expected one of {places}, found '{mask.within}'")
        return self
