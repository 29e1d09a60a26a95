"""ECMWF's open data: the first fields of each forecast of the IFS, which are its analysis, from a public bucket.

Each file has an index of JSON lines beside it that says where each field lies, so only the fields that are wanted are
fetched. Where a file lies depends on its date. Source: ECMWF, open data: real-time forecasts from IFS and AIFS, and the
implementation notes of cycles 48r1 to 50r1
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from data_catalog.sources.grib.analyses import (
    HOURS_BETWEEN,
    Address,
    compact_day,
    hour_of,
    open_analyses,
    wanted_times,
)
from data_catalog.sources.grib.forecasts import ForecastFile
from data_catalog.sources.grib.messages import MessagePlace
from data_catalog.sources.grib.remote import Index

Model = Literal["ifs", "aifs-single", "aifs-ens"]
Kind = Literal["hres", "members", "control"]
CYCLE_50R1 = np.datetime64("2026-05-12T06", "h")
"""First start without a short cut-off stream, and whose control forecast is the high-resolution one."""


@dataclass(frozen=True)
class Folder:
    """Where files of a model lie from some start on.

    Attributes:
        model: The model.
        since: First start, UTC.
        path: Folders between the hour and the stream.
    """

    model: Model
    since: np.datetime64
    path: str


FOLDERS = (
    Folder("ifs", np.datetime64("2022-01-21T00", "h"), "0p4-beta"),
    Folder("ifs", np.datetime64("2024-02-01T00", "h"), "0p25"),
    Folder("ifs", np.datetime64("2024-02-28T06", "h"), "ifs/0p25"),
    Folder("aifs-single", np.datetime64("2024-02-28T06", "h"), "aifs/0p25"),
    Folder("aifs-single", np.datetime64("2025-02-09T12", "h"), "aifs-single/0p25/experimental"),
    Folder("aifs-single", np.datetime64("2025-02-25T06", "h"), "aifs-single/0p25"),
    Folder("aifs-ens", np.datetime64("2025-07-01T06", "h"), "aifs-ens/0p25"),
)
"""For each model, the earliest first."""


def file_path(start: np.datetime64, step_hours: int, *, model: Model = "ifs", kind: Kind = "hres") -> str:
    """Return the path of a file below the root of the open data.

    Args:
        start: Start of the forecast, UTC: 00, 06, 12 or 18 h.
        step_hours: Lead time.
        model: Which model.
        kind: High-resolution forecast, or members or control of the ensemble.

    Raises:
        InvalidDataError: There is no such file by the rules of its time.
    """
    moment = start.astype("M8[h]")
    folder = next((one.path for one in reversed(FOLDERS) if one.model == model and one.since <= moment), None)
    if folder is None:
        raise InvalidDataError(f"ECMWF open data of {model}: expected a start since its first, found {iso(start)}")
    stream, suffix = _stream(moment, model, kind)
    day, hour = compact_day(moment), hour_of(moment)
    return f"{day}/{hour:02d}z/{folder}/{stream}/{day}{hour:02d}0000-{step_hours}h-{stream}-{suffix}.grib2"


def _stream(start: np.datetime64, model: Model, kind: Kind) -> tuple[str, str]:
    """Stream and type of a file: members and control of the IFS share a file until the control left it."""
    if model == "aifs-ens":
        return "enfo", "cf" if kind == "control" else "pf"
    if model == "ifs" and kind == "members":
        return "enfo", "ef"
    if model == "ifs" and kind == "control" and start < CYCLE_50R1:
        return "enfo", "ef"
    short_cut_off = model == "ifs" and start < CYCLE_50R1 and int(start.astype(int) % 12) == HOURS_BETWEEN
    return "scda" if short_cut_off else "oper", "fc"


def index_path(path: str) -> str:
    """Return the path of a file's index.

    Args:
        path: Path of a GRIB file.
    """
    return path.removesuffix("grib2") + "index"


def read_index(content: bytes, what: str) -> Index:
    """Read an index: where each field of a file without members lies.

    Args:
        content: JSON lines.
        what: URL of the index; errors start with it.

    Returns:
        Place by name, as `data_catalog.sources.grib.fields` names fields.

    Raises:
        InvalidDataError: A line is no JSON object, or says not where its field lies.
    """
    return {name: place for of_member in read_members(content, what).values() for name, place in of_member.items()}


def read_members(content: bytes, what: str) -> dict[int, Index]:
    """Read an index: where each field of each member lies.

    Args:
        content: JSON lines.
        what: URL of the index; errors start with it.

    Returns:
        Place by name, by number of the member; 0 is the control.

    Raises:
        InvalidDataError: A line is no JSON object, or says not where its field lies.
    """
    found: dict[int, dict[str, MessagePlace]] = {}
    for number, line in enumerate(filter(str.strip, content.decode("utf-8", "replace").splitlines()), 1):
        try:
            keys = json.loads(line)
            place = MessagePlace(int(keys["_offset"]), int(keys["_length"]))
            found.setdefault(int(keys.get("number", 0)), {})[_name(keys)] = place
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidDataError(
                f"{what}: line {number}: expected JSON with param, _offset and _length, found {line[:60]!r}"
            ) from None
    return dict(found)


def _name(keys: dict[str, str]) -> str:
    name, kind, level = keys["param"], keys.get("levtype", ""), keys.get("levelist", "")
    if kind == "pl":
        return f"{name}_{level}hPa"
    if kind == "sol":
        return f"swvl{level}" if name == "vsw" else f"{name}_{level}"
    return "geopotential_at_surface" if name == "z" else name


def open_ecmwf_open_data(
    location: str,
    channels: Sequence[str],
    static: Sequence[str] = (),
    *,
    step_hours: int,
    start: date,
    end: date | None = None,
) -> xr.Dataset:
    """Open the analyses of some days: the fields at step 0 of each high-resolution forecast.

    Starts that are not there are holes, such as those not yet published.

    Args:
        location: Root of the open data: `gs://ecmwf-open-data`, `s3://ecmwf-forecasts`,
            `https://data.ecmwf.int/forecasts`, or a mirror.
        channels: Channels to read.
        static: Channels without time, which are read from the first start.
        step_hours: Hours between times, a multiple of 6.
        start: First time.
        end: Last time, inclusive (for a date, the whole day); None for now.

    Raises:
        ConfigurationError: The step is no multiple of 6 hours.
        InvalidDataError: A file lacks a channel.
        MissingDataError: None of these starts is there, or the store cannot be reached.
    """
    starts = wanted_times(start, end, step_hours, where=location)
    return open_analyses(location, channels, static, starts=starts, addresses=_addresses, read_index=read_index)


def _addresses(start: np.datetime64, _member: int) -> list[Address]:
    path = file_path(start, 0)
    return [Address(path, index_path(path))]


def ecmwf_forecast(start: np.datetime64, leads: Sequence[int], members: int | None) -> list[list[ForecastFile]]:
    """Return the files of a forecast of the IFS, those of the control apart from those of perturbed members.

    Args:
        start: Start of the forecast, UTC: 00, 06, 12 or 18 h.
        leads: Lead times, hours.
        members: How many of the ensemble: the control and those that follow it; None for the high-resolution forecast.

    Raises:
        InvalidDataError: There is no such file by the rules of its time.
    """

    def files(kind: Kind, numbers: Sequence[int]) -> list[ForecastFile]:
        paths = [(lead, file_path(start, lead, kind=kind)) for lead in leads]
        return [
            ForecastFile((Address(path, index_path(path)),), lead, tuple(numbers), read_members) for lead, path in paths
        ]

    if members is None:
        return [files("hres", [0])]
    groups = [files("control", [0])]
    return groups + ([files("members", range(1, members))] if members > 1 else [])
