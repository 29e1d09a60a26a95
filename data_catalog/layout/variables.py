"""The variable table: every quantity Plumecast knows, its units, CF names, limits and the spellings of its sources."""

import math
import re
from dataclasses import dataclass
from types import MappingProxyType

from data_catalog.errors import ConfigurationError
from data_catalog.layout.units import STANDARD_GRAVITY

_SCALE_HEIGHT_M = 7300.0
_HIGHEST_PRESSURE_HPA = 1100


@dataclass(frozen=True)
class Variable:
    """One quantity, wherever it is measured."""

    short_name: str
    long_name: str
    standard_name: str
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
    missing_allowed: bool = False
    """Whether NaN may stand where the quantity does not exist, as sea temperature on land."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every spelling, the short name first."""
        return (self.short_name, *self.source_names)

    @property
    def era5_name(self) -> str:
        """The long name of ERA5, which CDS, ARCO-ERA5 and WeatherBench2 use."""
        return self.source_names[0]


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
        return STANDARD_GRAVITY * (0.8 * height_m - 1200.0), STANDARD_GRAVITY * (1.2 * height_m + 1200.0)

    @property
    def attributes(self) -> dict[str, str]:
        """CF attributes of the field."""
        found = {
            "units": self.variable.units,
            "standard_name": self.variable.standard_name,
            "long_name": self.long_name,
        }
        return found if self.variable.static else {**found, "cell_methods": self.variable.cell_methods}


_TABLE = (
    Variable(
        "z", "geopotential", "geopotential", "m2 s-2", (-15e3, 6e5),
        ("geopotential", "hgt", "gh", "zg", "HGT", "geopotential_height"), on_levels=True,
    ),
    Variable(
        "t", "air temperature", "air_temperature", "K", (140.0, 350.0),
        ("temperature", "air", "ta", "T", "TMP"), on_levels=True,
    ),
    Variable(
        "u", "eastward wind", "eastward_wind", "m s-1", (-200.0, 200.0),
        ("u_component_of_wind", "uwnd", "ua", "U"), on_levels=True, polar_sign=-1,
    ),
    Variable(
        "v", "northward wind", "northward_wind", "m s-1", (-200.0, 200.0),
        ("v_component_of_wind", "vwnd", "va", "V"), on_levels=True, polar_sign=-1,
    ),
    Variable(
        "w", "vertical velocity in pressure", "lagrangian_tendency_of_air_pressure", "Pa s-1", (-60.0, 60.0),
        ("vertical_velocity", "omega", "wap"), on_levels=True,
    ),
    Variable(
        # Spectral models leave traces below zero.
        "q", "specific humidity", "specific_humidity", "kg kg-1", (-1e-3, 0.06),
        ("specific_humidity", "shum", "hus", "Q"), on_levels=True, minimum=0.0,
    ),
    Variable(
        "msl", "mean sea level pressure", "air_pressure_at_mean_sea_level", "Pa", (85e3, 112e3),
        ("mean_sea_level_pressure", "mslp", "slp", "psl", "prmsl", "pressure_msl"),
    ),
    Variable(
        "sp", "surface pressure", "surface_air_pressure", "Pa", (35e3, 112e3),
        ("surface_pressure", "ps", "pres_sfc"),
    ),
    Variable(
        "t2m", "2 m temperature", "air_temperature", "K", (170.0, 340.0),
        ("2m_temperature", "2t", "tas", "T2M", "air_2m"),
    ),
    Variable(
        "d2m", "2 m dewpoint temperature", "dew_point_temperature", "K", (150.0, 320.0),
        ("2m_dewpoint_temperature", "2d", "tdps"),
    ),
    Variable(
        "u10", "10 m eastward wind", "eastward_wind", "m s-1", (-110.0, 110.0),
        ("10m_u_component_of_wind", "10u", "uas", "U10", "u10m"), polar_sign=-1,
    ),
    Variable(
        "v10", "10 m northward wind", "northward_wind", "m s-1", (-110.0, 110.0),
        ("10m_v_component_of_wind", "10v", "vas", "V10", "v10m"), polar_sign=-1,
    ),
    Variable(
        "sst", "sea surface temperature", "sea_surface_temperature", "K", (268.0, 315.0),
        ("sea_surface_temperature", "tos"), missing_allowed=True,
    ),
    # A bare `tp` says nothing about the hours it covers, so neither of these takes it.
    Variable(
        "tp6", "precipitation over the 6 h before", "precipitation_amount", "kg m-2", (-0.1, 1000.0),
        ("total_precipitation_6hr", "tp6h", "tp06"), "time: sum", minimum=0.0,
        regional_constant=0.0, accumulation_hours=6,
    ),
    Variable(
        "tp24", "precipitation over the 24 h before", "precipitation_amount", "kg m-2", (-0.1, 2500.0),
        ("total_precipitation_24hr", "tp24h"), "time: sum", minimum=0.0,
        regional_constant=0.0, accumulation_hours=24,
    ),
    Variable(
        "orography", "height of the model's surface", "surface_altitude", "m", (-1000.0, 9000.0),
        ("geopotential_at_surface", "surface_geopotential", "orog", "hsurf"), static=True, regional_constant=0.0,
    ),
    Variable(
        "lsm", "land fraction", "land_area_fraction", "1", (-0.01, 1.01),
        ("land_sea_mask", "lsmask", "land", "sftlf"), static=True, regional_constant=0.0,
    ),
)  # fmt: skip
VARIABLES = MappingProxyType({variable.short_name: variable for variable in _TABLE})
"""Every variable by its short name."""


def channel(name: str) -> Channel:
    """The channel of a name: `msl`, or a variable with its pressure in hPa, `z500`.

    Args:
        name: A variable without levels, or one with levels and its pressure in hPa after it.

    Raises:
        ConfigurationError: No such channel.
    """
    known = VARIABLES.get(name)
    if known is not None and not known.on_levels:
        return Channel(name, known)
    match = re.fullmatch(r"([a-z]+)([1-9]\d{0,3})", name)
    on_level = VARIABLES.get(match[1]) if match else None
    if match is None or on_level is None or not on_level.on_levels or int(match[2]) > _HIGHEST_PRESSURE_HPA:
        surface = ", ".join(v.short_name for v in _TABLE if not v.on_levels)
        levelled = ", ".join(v.short_name for v in _TABLE if v.on_levels)
        raise ConfigurationError(
            f"channel: expected {surface}, or {levelled} with a level in hPa (z500), found {name!r}"
        )
    return Channel(name, on_level, int(match[2]))


def is_field_name(name: str) -> bool:
    """Return whether a variable of a source is, by its name, a quantity of the table, on a level or not.

    Args:
        name: As the source spells it, such as `2t`, `geopotential` or `z_500`.
    """
    return name in _SPELLED or re.sub(r"_?\d+(hPa)?$", "", name) in _SPELLED_ON_LEVELS


_SPELLED = frozenset(name for variable in _TABLE for name in variable.names)
_SPELLED_ON_LEVELS = frozenset(name for variable in _TABLE if variable.on_levels for name in variable.names)
