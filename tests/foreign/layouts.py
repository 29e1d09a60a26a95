"""Layouts in which others keep forecasts: each is a reproducible draw from what a seed says."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from tests.foreign.faults import FAULTS

NAMES = {
    "init_time": (
        "init_time", "forecast_reference_time", "initial_time", "initialization_time", "reftime", "start_date", "time",
        "ref_time", "init", "S",
    ),
    "lead_time": (
        "lead_time", "forecast_period", "prediction_timedelta", "step", "lead", "leadtime", "forecast_hour", "L",
    ),
    "member": (
        "member", "realization", "number", "ensemble", "ensemble_member", "ens", "sample", "M", "mem", "eps",
        "ens_member",
    ),
    "latitude": ("latitude", "lat", "Y"),
    "longitude": ("longitude", "lon", "X"),
    "level": ("level", "pressure_level", "isobaricInhPa", "plev", "lev", "pressure"),
    "valid_time": ("time", "valid_time"),
}  # fmt: skip
STANDARD_NAMES = {
    "init_time": "forecast_reference_time",
    "lead_time": "forecast_period",
    "member": "realization",
    "latitude": "latitude",
    "longitude": "longitude",
    "level": "air_pressure",
    "valid_time": "time",
}
FIELD_NAMES = {
    "t2m": ("t2m", "2t", "2m_temperature", "tas", "T2M"),
    "msl": ("msl", "mslp", "psl", "prmsl", "mean_sea_level_pressure", "slp"),
    "u10": ("u10", "10u", "uas", "10m_u_component_of_wind"),
    "sst": ("sst", "tos", "sea_surface_temperature"),
    "tp24": ("tp24", "total_precipitation_24hr", "tp24h"),
    "z": ("z", "geopotential", "zg", "gh", "hgt"),
    "t": ("t", "temperature", "ta", "air"),
    "q": ("q", "specific_humidity", "hus"),
}
UNITS = {
    # variable: (spelling, factor and offset that take SI to it)
    "t2m": (("K", 1, 0), ("Kelvin", 1, 0), ("degC", 1, -273.15), ("°C", 1, -273.15), ("celsius", 1, -273.15)),
    "msl": (("Pa", 1, 0), ("hPa", 0.01, 0), ("mbar", 0.01, 0), ("millibars", 0.01, 0), ("kPa", 0.001, 0)),
    "u10": (
        ("m s-1", 1, 0), ("m/s", 1, 0), ("m s**-1", 1, 0), ("m s^-1", 1, 0), ("knots", 3600 / 1852, 0),
        ("km h-1", 3.6, 0),
    ),
    "sst": (("K", 1, 0), ("degC", 1, -273.15), ("degrees_celsius", 1, -273.15), ("degree_Celsius", 1, -273.15)),
    "tp24": (("kg m-2", 1, 0), ("mm", 1, 0), ("kg m**-2", 1, 0), ("m", 0.001, 0), ("kg/m2", 1, 0)),
    "z": (
        ("m2 s-2", 1, 0), ("m**2 s**-2", 1, 0), ("gpm", 1 / 9.80665, 0), ("m", 1 / 9.80665, 0), ("m^2/s^2", 1, 0),
        ("J kg-1", 1, 0), ("dam", 0.1 / 9.80665, 0),
    ),
    "t": (("K", 1, 0), ("degC", 1, -273.15), ("kelvin", 1, 0)),
    "q": (("kg kg-1", 1, 0), ("kg kg**-1", 1, 0), ("g kg-1", 1000, 0), ("kg/kg", 1, 0), ("1", 1, 0), ("g/kg", 1000, 0)),
}  # fmt: skip
HEIGHTS = ("zg", "gh", "hgt")
"""Names of a height, which never holds m2 s-2."""
LEAD_UNITS = {
    "hours": "h", "hour": "h", "h": "h", "hr": "h", "days": "D", "day": "D", "d": "D", "minutes": "m", "min": "m",
    "seconds": "s", "s": "s", "nanoseconds": "ns",
}  # fmt: skip
EXTRAS = (
    "crs", "height", "expver", "bounds", "unrelated_field", "text", "static", "valid_time", "history", "singleton",
    "month", "hour_of_lead", "flags",
)  # fmt: skip
UNSIGNED_FILL = 65535.0


@dataclass(frozen=True)
class Grid:
    """How the points are written; of forecast and analysis apart."""

    latitude: str
    longitude: str
    descending: bool
    turn: str
    """Of the longitudes: from 0, from -180 (in order or not), rolled to start elsewhere, or with a cyclic column."""
    dtype: str
    described: bool
    """Whether coordinates have CF attributes."""
    millidegrees: bool
    indexed: bool
    """Whether the dimensions have names of their own, `j` and `i`, with the coordinates along them."""


@dataclass(frozen=True)
class Packing:
    """How values are stored."""

    dtype: str
    fill: float | None
    fill_attribute: str


@dataclass(frozen=True)
class Clock:
    """How times are counted."""

    unit: str
    epoch: str
    dtype: str
    calendar: str | None


@dataclass(frozen=True)
class Layout:
    """One foreign layout: what part of the truth it holds, and how."""

    seed: int
    grid_name: str
    channels: tuple[str, ...]
    starts: tuple[int, ...]
    leads: tuple[int, ...]
    members: tuple[int, ...]
    start_name: str
    start_form: str
    lead_name: str
    lead_form: str
    lead_unit: str
    lead_dtype: str
    valid_name: str
    member_name: str
    member_form: str
    labels: str
    levels: str
    level_name: str
    level_unit: str | None
    field_names: dict[str, str]
    field_units: dict[str, tuple[str, float, float]]
    order_key: tuple[float, ...]
    grid: Grid
    packing: Packing
    clock: Clock
    cf_axes: bool
    extras: tuple[str, ...]
    format: str
    split: str
    analysis_foreign: bool
    analysis_grid: Grid
    analysis_packing: Packing
    analysis_clock: Clock
    fault: str | None


def draw(seed: int) -> Layout:
    """Draw the layout of a seed.

    Args:
        seed: Everything follows from it.
    """
    generator = np.random.default_rng(seed)
    oddness = float(generator.choice([0.05, 0.15, 0.5, 1.0]))
    part, pick = partial(_pick, generator, 1.0), partial(_pick, generator, oddness)
    chance = partial(_chance, generator)
    grid_name = part(("globe", "globe", "gauss", "region"))
    several = chance(0.5)
    channels = part((("t2m",), ("msl",), ("u10",), ("z500",), ("z850", "z500"), ("t850", "t500"), ("t2m", "msl"),
                     ("z500", "t500"), ("z500", "t2m"), ("sst",), ("tp24",), ("q700",)))  # fmt: skip
    starts = (0, 1) if several else (int(generator.integers(2)),)
    leads = part(((0, 1, 2), (0, 2), (1, 2), (2,), (0,)))
    members = part(((0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2), (1, 3), (2,)))
    start_form = (
        pick(("dim", "dim", "indexed"))
        if several
        else part(("dim1", "scalar", "plain", "plain1", "along_lead", "along_member"))
    )
    lead_form = pick(("dim", "dim", "lead_with_valid", "bare_with_valid", "indexed"))
    if not several and start_form in ("scalar", "plain", "plain1", "along_lead", "along_member"):
        lead_form = part(
            ("dim", "valid", "valid", "valid_with_lead", "lead_with_valid", "scalar", "moments", "indexed")
        )
    if lead_form in ("scalar", "moments"):
        leads = leads[:1]
    valid_name = pick(NAMES["valid_time"])
    by_valid = lead_form.startswith("valid") or lead_form == "moments"
    start_names = NAMES["init_time"]
    if by_valid or (lead_form != "dim" and valid_name == "time"):
        start_names = tuple(name for name in start_names if name != "time")
    member_form = pick(("dim", "dim", "indexed")) if len(members) > 1 else pick(("dim", "absent", "scalar"))
    if start_form == "along_member" and member_form != "dim":
        start_form = "scalar"
    if start_form == "along_lead" and lead_form in ("scalar", "moments"):
        start_form = "scalar"
    levels = pick(("dim", "dim", "flat", "scalar"))
    if levels == "scalar" and len({c[1:] for c in channels if c[1:].isdigit() and len(c) == 4}) != 1:
        levels = "dim"
    variables = dict.fromkeys(variable_of(name) for name in channels)
    names = {name: pick(FIELD_NAMES[name]) for name in variables}
    units = {name: _unit(pick, name, names[name]) for name in variables}
    level_name = pick(NAMES["level"])
    fault = part(tuple(FAULTS)) if chance(0.4) else None
    return Layout(
        seed=seed, grid_name=grid_name, channels=channels, starts=starts, leads=leads, members=members,
        start_name=pick(start_names), start_form=start_form,
        lead_name=pick(NAMES["lead_time"]), lead_form=lead_form,
        lead_unit=pick(tuple(LEAD_UNITS)), lead_dtype=pick(("i4", "i8", "f4", "f8")),
        valid_name=valid_name, member_name=pick(NAMES["member"]), member_form=member_form,
        labels=pick(("from0", "from1", "floats", "names", "ripf", "none", "shuffled")),
        levels=levels, level_name=level_name,
        level_unit=pick(("hPa", "hPa", "millibars", "mb", "Pa", None)),
        field_names=names, field_units=units, order_key=tuple(generator.random(6)),
        grid=_grid(pick, chance, grid_name), packing=_packing(pick), clock=_clock(pick),
        cf_axes=chance(0.4 * oddness), extras=tuple(name for name in EXTRAS if chance(0.2 * oddness)),
        format=pick(("nc4", "nc3", "nc3_64", "nc4_classic", "group", "zarr2", "zarr3", "zarr3")),
        split=pick(("none", "none", "none", "member", "lead", "start", "channel", "control")),
        analysis_foreign=chance(0.4 * oddness), analysis_grid=_grid(pick, chance, grid_name),
        analysis_packing=_packing(pick), analysis_clock=_clock(pick), fault=fault,
    )  # fmt: skip


def variable_of(channel: str) -> str:
    """`z` of `z500`; `t2m` of `t2m`."""
    return channel if channel in FIELD_NAMES else channel[0]


def level_of(channel: str) -> int | None:
    """500 of `z500`; None of `t2m`."""
    return None if channel in FIELD_NAMES else int(channel[1:])


def _pick(generator: np.random.Generator, oddness: float, choices):
    """The first of the choices, which is the usual one, or with the given probability any of them."""
    return choices[int(generator.integers(len(choices)))] if generator.random() < oddness else choices[0]


def _chance(generator: np.random.Generator, probability: float) -> bool:
    return bool(generator.random() < probability)


def _unit(pick, variable: str, name: str) -> tuple[str, float, float]:
    choices = UNITS[variable]
    if variable == "z":
        choices = tuple(unit for unit in choices if (unit[0] in ("gpm", "m", "dam")) == (name in HEIGHTS))
    return pick(choices)


def _grid(pick, chance, grid_name: str) -> Grid:
    turns = (
        ("0", "-180", "unsorted", "rolled", "cyclic", "descending")
        if grid_name != "region"
        else ("0", "-180", "unsorted", "descending")
    )
    latitude, longitude = pick((("latitude", "longitude"), ("lat", "lon"), ("Y", "X"), ("y", "x")))
    return Grid(
        latitude, longitude, pick((False, True)), pick(turns), pick(("f8", "f4")),
        latitude == "y" or chance(0.6), grid_name == "gauss" and chance(0.4), pick((False, False, True)),
    )  # fmt: skip


def _packing(pick) -> Packing:
    dtype = pick(("f4", "f4", "f8", "i2", "i4", "u2"))
    of_floats = (None, np.nan, -9999.0, 9.969209968386869e36)
    fills = {"u": (None, UNSIGNED_FILL), "i": (None, -32767.0)}.get(dtype[0], of_floats)
    return Packing(dtype, pick(fills), pick(("_FillValue", "missing_value", "both")))


def _clock(pick) -> Clock:
    unit = pick(("hours", "days", "minutes", "seconds"))
    epoch = pick(
        (
            "1900-01-01",
            "1970-01-01 00:00:00",
            "2008-01-01T00:00:00",
            "2008-01-01 00:00:0.0",
            "2008-01-01 00:00:00 +02:00",
        )
    )
    dtype = pick(("f8", "i8", "i4")) if unit != "days" else "f8"
    if epoch.startswith("2008") and unit in ("hours", "days"):
        dtype = pick((dtype, "f4"))
    if unit == "seconds" and dtype == "i4" and epoch.startswith("1900"):
        dtype = "f8"
    return Clock(unit, epoch, dtype, pick((None, "standard", "gregorian", "proleptic_gregorian")))
