"""What a variable and a channel are: units, CF names, limits, and the spellings of sources."""

import math
from dataclasses import dataclass

from data_catalog.layout.units import STANDARD_GRAVITY

_SCALE_HEIGHT_M = 7300.0


@dataclass(frozen=True)
class Variable:
    """One quantity, wherever it is measured."""

    short_name: str
    long_name: str
    standard_name: str
    """CF standard name; empty for a quantity that CF has none for."""
    units: str
    plausible: tuple[float, float]
    """Values outside this range are a fault of the data, not weather."""
    source_names: tuple[str, ...] = ()
    """What sources call it, besides `short_name`: the long name of ERA5 first, then those of NCEP, CMIP and others."""
    cell_methods: str = "time: point"
    on_levels: bool = False
    minimum: float | None = None
    """Physical lower bound, for quantities that have one."""
    polar_sign: int = 1
    """-1 for vector components, which change sign when a neighbour is taken from across a pole."""
    accumulation_hours: int | None = None
    """Hours before the valid time over which it is summed."""
    static: bool = False
    regional_constant: float | None = None
    """Value that a whole region may have, as 0 of precipitation; a Zarr store may leave out chunks of nothing else."""
    described_as: str | None = None
    """Words in the long name of a source's field that tell it from others of the same spelling, as NCEP's `air`."""
    missing_allowed: bool = False
    """Whether NaN may stand where the quantity does not exist, as sea temperature on land."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every spelling, the short name first."""
        return (self.short_name, *self.source_names)

    @property
    def era5_name(self) -> str:
        """The long name of ERA5, which CDS, ARCO-ERA5 and WeatherBench2 use; the short name where there is none."""
        return self.source_names[0] if self.source_names else self.short_name


@dataclass(frozen=True)
class Channel:
    """One variable on one level: a single horizontal field."""

    name: str
    variable: Variable
    level_hpa: int | None = None

    @property
    def long_name(self) -> str:
        """Words for a reader, with the level."""
        return self.variable.long_name + (f" at {self.level_hpa} hPa" if self.level_hpa is not None else "")

    @property
    def plausible(self) -> tuple[float, float]:
        """Range of believable values; geopotential's follows the level, so that a height cannot pass for it."""
        if self.variable.short_name != "z" or self.level_hpa is None:
            return self.variable.plausible
        height_m = _SCALE_HEIGHT_M * math.log(1013.25 / self.level_hpa)
        return STANDARD_GRAVITY * (0.8 * height_m - 800.0), STANDARD_GRAVITY * (1.2 * height_m + 1200.0)

    @property
    def attributes(self) -> dict[str, str]:
        """CF attributes of the field."""
        found = {"units": self.variable.units}
        if self.variable.standard_name:
            found["standard_name"] = self.variable.standard_name
        found["long_name"] = self.long_name
        return found if self.variable.static else {**found, "cell_methods": self.variable.cell_methods}
