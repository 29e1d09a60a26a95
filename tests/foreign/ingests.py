"""A seed's analysis as files on disk in a random layout, and whether an archive holds what is right of it."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.archive.reading import open_archive
from tests.foreign import building, truth
from tests.foreign.building import Raw
from tests.foreign.cases import write
from tests.foreign.faults import FAULTS, Fault, repeated
from tests.foreign.layouts import Layout, draw

TIME_NAMES = ("time", "valid_time", "date", "T", "t", "datetime")
EXTRAS = ("crs", "height", "expver", "bounds", "unrelated_field", "text", "static", "history", "singleton")
SPLITS = ("none", "none", "time", "channel")
NOT_OF_ANALYSES = (
    "member", "lead", "start", "moved", "fewer rows", "lagged", "valid times that contradict", "analysis ends early",
    "analysis of another channel",
)  # fmt: skip
"""Beginnings and parts of the names of faults that only a forecast can have, or that make another sound analysis."""
INGEST_FAULTS: dict[str, Fault] = {
    **{name: fault for name, fault in FAULTS.items() if not any(part in name for part in NOT_OF_ANALYSES)},
    "a time twice": Fault(repeated("time"), "raw"),
    "a time left out": Fault(lambda weather, layout: weather.isel(time=[0, 1, 2, 4, 5, 6]), "analysis", "either"),
    "a time never written": Fault(lambda weather, layout: _one_time_nan(weather), "analysis"),
}
TOLERANCE = 1e-3
"""Of the spread of a channel: single precision and packing keep that."""


@dataclass(frozen=True)
class Ingest:
    """Files of a layout, and what `plumecast new-dataset` and `plumecast ingest` must make of them.

    Attributes:
        layout: What was drawn; its fault is None where the layout had no place for the one that was drawn.
        location: File, or pattern of the names of files.
        right: `score` where it has to be read, `refusal`, or `either` where both are right.
        weather: What an archive must hold; of a faulty file, what is right of the fields that are not left out.
    """

    layout: Layout
    location: Path
    right: str
    weather: xr.Dataset


def make_ingest(seed: int, directory: Path) -> Ingest:
    """Write the files of a seed.

    Args:
        seed: Says everything.
        directory: Empty.
    """
    layout = draw(seed)
    fault = tuple(INGEST_FAULTS)[seed % len(INGEST_FAULTS)] if layout.fault else None
    layout = replace(
        layout, fault=fault, grid=layout.analysis_grid, packing=layout.analysis_packing, clock=layout.analysis_clock
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of writers, about names that only some readers know
        return _written(layout, directory)


def differences(case: Ingest, archive: Path, said: str) -> str:
    """The first difference between an archive and the truth; empty where there is none.

    Args:
        case: What was archived.
        archive: The archive.
        said: What `new-dataset` printed, which names each field that it leaves out: a faulty one may be.
    """
    found = open_archive(archive).load()
    names, right = {str(name) for name, field in found.items() if "time" in field.dims}, case.weather
    if case.right == "refusal" and not (names < set(case.layout.channels) and "left out" in said):
        return f"a faulty file was archived: {sorted(names)}"
    if case.right == "score" and names != set(case.layout.channels):
        return f"channels {sorted(names)}, not {sorted(case.layout.channels)}"
    if not np.array_equal(found["time"].values, right["time"].values):
        return f"{found.sizes['time']} times from {found['time'].values[0]}, not {right['time'].values[0]}"
    found, right = _ordered(found), _ordered(right)
    for dim in ("latitude", "longitude"):
        if found.sizes[dim] != right.sizes[dim] or not np.allclose(found[dim], right[dim], atol=1e-2):
            return f"{dim} {found[dim].values.tolist()}, not {right[dim].values.tolist()}"
    return next(filter(None, (_difference(found[name], right[name]) for name in sorted(names))), "")


def _ordered(weather: xr.Dataset) -> xr.Dataset:
    return weather.assign_coords(longitude=weather["longitude"] % 360.0).sortby(["latitude", "longitude"])


def _difference(found: xr.DataArray, right: xr.DataArray) -> str:
    ours, theirs = found.transpose("time", "latitude", "longitude").values, right.values
    spread = truth.CHANNELS[str(right.name)][2]
    if np.allclose(ours, theirs, rtol=1e-7, atol=TOLERANCE * spread, equal_nan=True):
        return ""
    missing = f"{int(np.isnan(ours).sum())} of its values are missing"
    return f"{right.name} differs by up to {np.nanmax(np.abs(ours - theirs))}, {missing}"


def _one_time_nan(weather: xr.Dataset) -> xr.Dataset:
    name = str(next(iter(weather.data_vars)))
    return weather.assign({name: weather[name].where(weather["time"] != weather["time"][3])})


def _written(layout: Layout, directory: Path) -> Ingest:
    generator = np.random.default_rng([15, layout.seed])
    fault = INGEST_FAULTS[layout.fault] if layout.fault else None
    if fault and fault.stage in ("values", "analysis") and layout.packing.dtype[0] in "iu":
        layout = replace(layout, packing=replace(layout.packing, dtype="f4", fill=None))
    weather, spoilt = truth.analysis(layout.grid_name)[list(layout.channels)], False
    if fault and fault.stage in ("values", "analysis"):
        changed = fault.spoil(weather, layout)
        weather, spoilt = (weather, False) if changed is None else (changed, True)
    sound = weather if fault and fault.right == "either" else truth.analysis(layout.grid_name)[list(layout.channels)]
    split, time_name = str(generator.choice(SPLITS)), str(generator.choice(TIME_NAMES))
    if layout.fault == "unknown name" and split == "time":
        split = "channel"  # a field that is unknown in one of two files is rightly archived from the other
    time_name = time_name if generator.random() < 0.3 else "time"
    extras = tuple(name for name in EXTRAS if generator.random() < 0.15)
    files = []
    for index, part in enumerate(_parts(weather, split)):
        raw = _raw(replace(layout, extras=extras), part, time_name, generator.random(6))
        changed = fault.spoil(raw, layout) if fault and fault.stage == "raw" and index == 0 else None
        spoilt = spoilt or changed is not None
        files.append(write(raw.dataset if changed is None else changed, directory / f"theirs{index}", layout))
    if fault and fault.stage == "files":
        changed = None if layout.fault == "no file" and len(files) > 1 else fault.spoil(files, layout)
        spoilt, files = changed is not None, changed or files
    layout = replace(layout, fault=layout.fault if spoilt else None)
    right = fault.right if fault and spoilt else "either" if any(_unknowable(layout, time_name)) else "score"
    location = files[0] if len(files) == 1 else directory / f"theirs*{files[0].suffix}"
    return Ingest(layout, location, right, sound)


def _parts(weather: xr.Dataset, split: str) -> Iterator[xr.Dataset]:
    if split == "time":
        middle = weather.sizes["time"] // 2
        yield from (weather.isel(time=slice(None, middle)), weather.isel(time=slice(middle, None)))
    elif split == "channel":
        yield from (weather[[name]] for name in weather.data_vars)
    else:
        yield weather


def _raw(layout: Layout, weather: xr.Dataset, time_name: str, order: np.ndarray) -> Raw:
    """One file of an analysis, as `building.forecast` makes one of a forecast."""
    written = building.analysis(replace(layout, analysis_foreign=True, analysis_packing=layout.packing), weather)
    fields = [str(name) for name in written.data_vars]
    attributes = {"standard_name": "time"} if layout.cf_axes else {}
    time_name = "time" if time_name in written.variables else time_name
    written = written.rename(time=time_name) if time_name != "time" else written
    written[time_name].attrs.update(attributes)
    rows, columns = ("j", "i") if layout.grid.indexed else (layout.grid.latitude, layout.grid.longitude)
    names = {"latitude": rows, "longitude": columns, "time": time_name, "level": layout.level_name}
    layout = replace(layout, order_key=tuple(order))
    written = building.ordered(written, layout, fields)
    written = building.with_extras(written, layout, fields, {**names, "lead_time": "", "init_time": "", "member": ""},
                                   weather)  # fmt: skip
    present = {ours: theirs for ours, theirs in names.items() if theirs in written.dims}
    return Raw(written, present, tuple(fields))


def _unknowable(layout: Layout, time_name: str) -> Iterator[bool]:
    """Whether something of a layout is nowhere said, so that a refusal is as good."""
    yield layout.grid.latitude == "Y" and layout.grid.indexed and not layout.grid.described
    yield time_name in ("T", "t") and not layout.cf_axes
