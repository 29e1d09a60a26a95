"""A seed's layout as files on disk, with what is right for it."""

import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
import zarr

from tests.foreign import building, truth
from tests.foreign.faults import FAULTS, Fault
from tests.foreign.layouts import Layout, draw

NETCDF_FORMATS = {
    "nc3": "NETCDF3_CLASSIC", "nc3_64": "NETCDF3_64BIT", "nc4": "NETCDF4", "nc4_classic": "NETCDF4_CLASSIC",
    "group": "NETCDF4",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Files of a layout, and what `plumecast verify` must make of them.

    Attributes:
        layout: What was drawn; its fault is None where the layout had no place for the one that was drawn.
        files: Forecasts, in the order in which they are given.
        analysis: What they are scored against.
        right: `score`, `refusal`, or `either` where both are.
        expected: The right scores; None where nothing may be scored.
    """

    layout: Layout
    files: tuple[Path, ...]
    analysis: Path
    right: str
    expected: truth.Expected | None


def make_case(seed: int, directory: Path) -> Case:
    """Write the files of a seed.

    Args:
        seed: Says everything.
        directory: Empty.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of writers, about names that only some readers know
        return _written(draw(seed), directory)


def _written(layout: Layout, directory: Path) -> Case:
    fault = FAULTS[layout.fault] if layout.fault else None
    if fault and fault.stage == "values" and layout.packing.dtype[0] in "iu":
        layout = replace(layout, packing=replace(layout.packing, dtype="f4", fill=None))
    if fault and fault.stage == "analysis" and layout.analysis_packing.dtype[0] in "iu":
        layout = replace(layout, analysis_packing=replace(layout.analysis_packing, dtype="f4", fill=None))
    weather = truth.analysis(layout.grid_name)[list(layout.channels)]
    ensemble = building.members_of(layout)
    spoilt: list[bool] = []
    weather = _spoilt(fault, "analysis", weather, layout, spoilt)
    ensemble = _spoilt(fault, "values", ensemble, layout, spoilt)
    analysis = directory / "analysis.nc"
    if layout.analysis_foreign or (fault and fault.stage == "analysis"):
        of_analysis = replace(layout, format="nc4") if layout.format == "group" else layout
        analysis = write(building.analysis(layout, weather), directory / "analysis", of_analysis)
    else:
        analysis.write_bytes(_plain_analysis(layout.grid_name, layout.channels))
    files = []
    for index, part in enumerate(building.parts(layout, ensemble)):
        raw = building.forecast(layout, part)
        dataset = raw.dataset
        if fault and fault.stage == "raw" and index == 0:
            changed = fault.spoil(raw, layout)
            spoilt.append(changed is not None)
            dataset = dataset if changed is None else changed
        files.append(write(dataset, directory / f"theirs{index}", layout))
    files = _spoilt(fault, "files", files, layout, spoilt)
    if fault and not any(spoilt):
        fault, layout = None, replace(layout, fault=None)
    right = _right(layout, fault)
    indices = (layout.starts, layout.leads, layout.members)
    found = None if right == "refusal" else truth.expected(layout.grid_name, layout.channels, *indices)
    return Case(layout, tuple(files), analysis, right, found)


@cache
def _plain_analysis(grid_name: str, channels: tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        weather = building.plain_analysis(truth.analysis(grid_name)[list(channels)])
        return _write_netcdf(weather, Path(place) / "analysis.nc", "nc4").read_bytes()


def _spoilt(fault: Fault | None, stage: str, what, layout: Layout, spoilt: list[bool]):
    if fault is None or fault.stage != stage:
        return what
    changed = fault.spoil(what, layout)
    spoilt.append(changed is not None)
    return what if changed is None else changed


def _right(layout: Layout, fault: Fault | None) -> str:
    if fault is not None:
        return fault.right
    return "either" if any(_cannot_be_known(layout)) else "score"


def _cannot_be_known(layout: Layout) -> Iterator[bool]:
    """Whether something of a layout is nowhere said, so that a refusal is as good as a score."""
    several = len(layout.members) > 1
    without_labels = layout.labels == "none" and layout.member_form in ("dim", "indexed")
    yield layout.split in ("member", "control") and without_labels and several
    yield layout.member_form == "indexed" and layout.labels == "none"
    # One time along the lead times, called no more than a time, may be their start or the valid time of each.
    yield layout.start_form == "along_lead" and layout.start_name == "time" and "valid" not in layout.lead_form
    # A single letter may be anything where it is no dimension.
    yield layout.start_name == "S" and layout.start_form not in ("dim", "dim1", "plain1") and not layout.cf_axes
    grids = (layout.grid, layout.analysis_grid) if layout.analysis_foreign else (layout.grid,)
    yield any(grid.latitude == "Y" and grid.indexed and not grid.described for grid in grids)
    yield layout.member_name == "M" and layout.member_form == "indexed" and not layout.cf_axes
    yield layout.lead_name == "L" and layout.lead_form in ("indexed", "scalar") and not layout.cf_axes


def write(dataset: xr.Dataset, path: Path, layout: Layout) -> Path:
    """Write a file or store as a layout says; return where it lies, under the path with a suffix."""
    if layout.format.startswith("zarr"):
        return _write_zarr(dataset, path.with_suffix(".zarr"), int(layout.format[-1]), layout.seed % 2 == 0)
    return _write_netcdf(dataset, path.with_suffix(".nc"), layout.format, coordinates_around=layout.seed % 2 == 0)


def _write_netcdf(dataset: xr.Dataset, path: Path, format_name: str, *, coordinates_around: bool = False) -> Path:
    if format_name in ("nc3", "nc3_64", "nc4_classic") and 0 in dataset.sizes.values():
        format_name = "nc4"  # a dimension of no length is an unlimited one, which older formats want first
    if format_name in ("nc3", "nc3_64", "nc4_classic"):
        wide = [name for name, variable in dataset.variables.items() if variable.dtype == np.int64]
        dataset = dataset.assign({str(name): _as_double(dataset[name]) for name in wide if name not in dataset.coords})
        dataset = dataset.assign_coords({str(n): _as_double(dataset[n]) for n in wide if n in dataset.coords})
    if format_name == "group":
        return _write_group(_bare(dataset), path, coordinates_around)
    _bare(dataset).to_netcdf(path, format=NETCDF_FORMATS[format_name], engine="netcdf4")
    return path


def _write_group(dataset: xr.Dataset, path: Path, coordinates_around: bool) -> Path:
    """Write fields in a group: with their coordinates, or with the axes in the root group."""
    axes = [name for name in dataset.dims if name in dataset.coords] if coordinates_around else []
    if axes:
        dataset[axes].drop_attrs(deep=False).to_netcdf(path, engine="netcdf4")
    dataset.drop_vars(axes).to_netcdf(path, engine="netcdf4", group="forecast", mode="a" if axes else "w")
    return path


def _as_double(variable: xr.DataArray) -> xr.DataArray:
    return (variable.dims, variable.values.astype("f8"), variable.attrs)


def _write_zarr(dataset: xr.Dataset, path: Path, zarr_format: int, consolidated: bool) -> Path:
    with zarr.config.set({"array.write_empty_chunks": True}):
        _bare(dataset).to_zarr(path, zarr_format=zarr_format, consolidated=consolidated)
    return path


def _bare(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset without what xarray would add of itself."""
    dataset = dataset.copy()
    for variable in dataset.variables.values():
        if "_FillValue" not in variable.attrs:
            variable.encoding = {"_FillValue": None}
    return dataset
