"""The verification section of the system file: baselines, and the regions that scores are given for.

Beside `system.py` and not in `verification/`, as the model side reads system files and must not see its scores.
"""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel
from forecast.system.section import Positive, Section

RegionName = Literal["global", "northern-extratropics", "southern-extratropics", "tropics", "europe", "north-america"]
"""Regions that are built in; `forecast.verification.regions` says where they are."""
OwnRegionName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class ScoreBox(Section):
    """A region of one's own: a range of latitudes and longitudes, degrees, its edges included."""

    name: OwnRegionName
    south: Annotated[float, Field(ge=-90, le=90)]
    north: Annotated[float, Field(ge=-90, le=90)]
    west: Annotated[float, Field(ge=-360, le=360)] = 0.0
    """Where it begins, going east; a box across the meridian is `west = -10.0, east = 20.0`."""
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
    """A region of one's own: where a static channel is strictly above or strictly below a threshold."""

    name: OwnRegionName
    channel: str
    above: float | None = None
    below: float | None = None
    within: str | None = None
    """Region that it is a part of, built in or a box; the whole grid when None."""

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
    """How a run is judged. The whole grid is always scored: `global`, or `domain` where it is a part of the world."""

    baseline_eofs: Positive = 100
    """Empirical orthogonal functions of the linear baseline."""
    baselines: tuple[Literal["climatology", "persistence", "linear"], ...] = ("climatology", "persistence", "linear")
    regions: tuple[RegionName, ...] | None = None
    """Built-in regions to score; each must lie on the grid. None: those that do."""
    boxes: tuple[ScoreBox, ...] = ()
    masks: tuple[ScoreMask, ...] = ()

    @model_validator(mode="after")
    def _distinct_regions(self) -> Self:
        built_in = get_args(RegionName)
        taken = {*built_in, "domain"}
        own: tuple[ScoreBox | ScoreMask, ...] = (*self.boxes, *self.masks)
        for region in own:
            if region.name in taken:
                raise ValueError(f"expected a name of its own for each region, found '{region.name}' again")
            taken.add(region.name)
        places = [*built_in, *(box.name for box in self.boxes)]
        for mask in self.masks:
            if mask.within is not None and mask.within not in places:
                raise ValueError(f"masks.within: expected one of {places}, found '{mask.within}'")
        return self
