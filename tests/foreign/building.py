"""A layout as datasets ready to be written: names, units, packing and forms of the axes as the layout says."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from tests.foreign import truth
from tests.foreign.layouts import (
    LEAD_UNITS,
    STANDARD_NAMES,
    UNSIGNED_FILL,
    Clock,
    Grid,
    Layout,
    Packing,
    level_of,
    variable_of,
)


@dataclass(frozen=True)
class Raw:
    """A file before it is written: numbers and attributes just as they will stand in it.

    Attributes:
        dataset: With the names of the layout.
        names: Names of its dimensions by ours; what has none is left out.
        fields: Names of its fields.
    """

    dataset: xr.Dataset
    names: dict[str, str]
    fields: tuple[str, ...]


def members_of(layout: Layout) -> xr.Dataset:
    """The part of the ensemble that a layout holds."""
    whole = truth.ensemble(layout.grid_name)[list(layout.channels)]
    return whole.isel(init_time=list(layout.starts), member=list(layout.members), lead_time=list(layout.leads))


def parts(layout: Layout, ensemble: xr.Dataset) -> Iterator[xr.Dataset]:
    """The ensemble split into files."""
    axis = {"member": "member", "lead": "lead_time", "start": "init_time"}.get(layout.split)
    if layout.split == "channel":
        for name in ensemble.data_vars:
            yield ensemble[[name]]
    elif layout.split == "control" and layout.member_form == "dim" and ensemble.sizes["member"] > 2:
        yield ensemble.isel(member=slice(1, None))
        yield ensemble.isel(member=[0])
    elif axis is None or (axis == "member" and layout.member_form != "dim"):
        yield ensemble
    else:
        for index in range(ensemble.sizes[axis]):
            yield ensemble.isel({axis: [index]})


def forecast(layout: Layout, part: xr.Dataset) -> Raw:
    """One file of a forecast."""
    dataset = _with_levels(part, layout)
    fields = [str(name) for name in dataset.data_vars]
    labels = _labels(layout, part["member"].values)
    dataset = dataset.drop_vars(["member"])
    names = {dim: dim for dim in dataset.dims}
    names |= {"latitude": layout.grid.latitude, "longitude": layout.grid.longitude, "level": layout.level_name}
    names |= {"member": layout.member_name, "init_time": layout.start_name, "lead_time": layout.lead_name}
    dataset = _stored(dataset, layout, layout.packing)
    dataset = on_grid(dataset, layout.grid)
    dataset = _with_leads(dataset, layout, part, names)
    if layout.member_form not in ("dim", "indexed"):
        dataset = dataset.isel(member=0)
        if layout.member_form == "scalar":
            dataset = dataset.assign_coords({names["member"]: labels[0] if labels is not None else 0})
    elif labels is not None:
        dataset = dataset.assign_coords(member=("member", labels, _described(layout, "member")))
    rename = {ours: theirs for ours, theirs in names.items() if ours in dataset.dims or ours in dataset.variables}
    dataset = dataset.rename({ours: theirs for ours, theirs in rename.items() if ours != theirs})
    dataset = _with_start(dataset, layout, part["init_time"].values, names)
    dataset = _indexed(dataset, layout, names)
    dataset = ordered(dataset, layout, fields)
    dataset = with_extras(dataset, layout, fields, names, part)
    present = {ours: theirs for ours, theirs in names.items() if theirs in dataset.dims}
    return Raw(dataset, present, tuple(fields))


def analysis(layout: Layout, weather: xr.Dataset) -> xr.Dataset:
    """The analysis as it will be written: in a layout of its own, or in ours."""
    if not layout.analysis_foreign:
        return plain_analysis(weather)
    dataset = _stored(_with_levels(weather, layout), layout, layout.analysis_packing)
    dataset = on_grid(dataset, layout.analysis_grid)
    clock = layout.analysis_clock
    dataset = dataset.assign_coords(time=("time", *counted(weather["time"].values, clock)))
    names = {"latitude": layout.analysis_grid.latitude, "longitude": layout.analysis_grid.longitude}
    if "level" in dataset.coords:
        names["level"] = layout.level_name
    dataset = dataset.rename({ours: theirs for ours, theirs in names.items() if ours != theirs})
    if layout.analysis_grid.indexed:
        dims = {names["latitude"]: "j", names["longitude"]: "i"}
        dataset = dataset.rename_dims(dims).drop_indexes(list(dims))
    return dataset


def plain_analysis(weather: xr.Dataset) -> xr.Dataset:
    """The analysis in our own layout, single precision."""
    units = {str(name): _SI.get(str(name)) or _SI[variable_of(str(name))] for name in weather.data_vars}
    plain = weather.astype("f4").assign_coords(latitude=weather.latitude, longitude=weather.longitude)
    return plain.assign({name: plain[name].assign_attrs(units=units[name]) for name in units})


_SI = {
    "d2m": "K",
    "t2m": "K", "msl": "Pa", "u10": "m s-1", "sst": "K", "tp24": "kg m-2", "z": "m2 s-2", "t": "K", "q": "kg kg-1",
}  # fmt: skip


def counted(times: np.ndarray, clock: Clock) -> tuple[np.ndarray, dict[str, str]]:
    """Times as numbers with the attributes that say what they count."""
    epoch = np.datetime64(clock.epoch[:10], "ns")
    if clock.epoch.endswith("+02:00"):
        epoch -= np.timedelta64(2, "h")
    numbers = (times - epoch) / np.timedelta64(
        1, {"hours": "h", "days": "D", "minutes": "m", "seconds": "s"}[clock.unit]
    )
    attributes = {"units": f"{clock.unit} since {clock.epoch}"}
    counts = numbers.astype(clock.dtype)
    rounding = 1e-6 if clock.dtype == "f4" else 0.0
    counts = counts if np.allclose(counts, numbers, rtol=rounding, atol=1e-3) else numbers
    return counts, attributes | ({"calendar": clock.calendar} if clock.calendar else {})


def on_grid(dataset: xr.Dataset, grid: Grid) -> xr.Dataset:
    """The dataset with its points written as a grid says."""
    longitude = dataset["longitude"].values
    if grid.turn in ("-180", "unsorted"):
        dataset = dataset.assign_coords(longitude=(longitude + 180.0) % 360.0 - 180.0)
        dataset = dataset.sortby("longitude") if grid.turn == "-180" else dataset
    elif grid.turn == "0":
        dataset = dataset.assign_coords(longitude=longitude % 360.0).sortby("longitude")
    elif grid.turn == "rolled":
        dataset = dataset.isel(longitude=np.roll(np.arange(len(longitude)), 2))
        rolled = dataset["longitude"].values
        dataset = dataset.assign_coords(longitude=np.where(rolled > rolled[-1], rolled - 360.0, rolled))
    elif grid.turn == "descending":
        dataset = dataset.isel(longitude=slice(None, None, -1))
    else:
        last = dataset.isel(longitude=[0]).assign_coords(longitude=longitude[:1] + 360.0)
        dataset = xr.concat([dataset, last], "longitude", data_vars="minimal")
    latitude = dataset["latitude"].values
    dataset = dataset.assign_coords(latitude=np.round(latitude, 3) if grid.millidegrees else latitude)
    dataset = dataset.isel(latitude=slice(None, None, -1)) if grid.descending else dataset
    for name, units in (("latitude", "degrees_north"), ("longitude", "degrees_east")):
        attributes = {"units": units, "standard_name": name} if grid.described else {}
        dataset = dataset.assign_coords({name: (name, dataset[name].values.astype(grid.dtype), attributes)})
    return dataset


def _with_levels(fields: xr.Dataset, layout: Layout) -> xr.Dataset:
    """Channels as the variables of the layout: on a level dimension, on a scalar level, or one each."""
    variables, of = {}, {}
    for name in map(str, fields.data_vars):
        theirs, level = layout.field_names[variable_of(name)], level_of(name)
        if level is not None and layout.levels == "flat":
            theirs += ("{}", "_{}", "_{}hPa")[layout.seed % 3].format(level)
        of[theirs] = variable_of(name)
        if level is not None and layout.levels == "dim":
            variables.setdefault(theirs, []).append(fields[name].expand_dims(level=[float(level)]))
        else:
            variables[theirs] = fields[name]
    joined = {
        name: xr.concat(found, "level").sortby("level", ascending=bool(layout.seed % 2))
        if isinstance(found, list)
        else found
        for name, found in variables.items()
    }
    dataset = xr.Dataset({name: joined[name].assign_attrs(variable=of[name]) for name in joined})
    level = next((level_of(str(name)) for name in fields.data_vars if level_of(str(name))), None)
    if layout.levels == "scalar" and level is not None:
        dataset = dataset.assign_coords(level=float(level))
    if "level" in dataset.coords:
        values = np.asarray(dataset["level"].values * (100 if layout.level_unit == "Pa" else 1))
        attributes = {"units": layout.level_unit} if layout.level_unit else {}
        attributes |= {"standard_name": "air_pressure"} if layout.cf_axes else {}
        values = values.astype(("i4", "f4", "f8")[layout.seed % 3])
        dataset = dataset.assign_coords(level=(dataset["level"].dims, values, attributes))
    return dataset


def _stored(dataset: xr.Dataset, layout: Layout, packing: Packing) -> xr.Dataset:
    """Fields in their units, packed, with their attributes."""
    return dataset.assign({str(name): _packed(field, layout, packing) for name, field in dataset.items()})


def _packed(field: xr.DataArray, layout: Layout, packing: Packing) -> xr.DataArray:
    variable = field.attrs["variable"]
    units, factor, offset = layout.field_units[variable]
    attributes: dict[str, object] = {"units": units}
    channel = next(name for name in layout.channels if variable_of(name) == variable)
    mean, _, _, quantum = truth.CHANNELS[channel]
    fill = packing.fill
    if packing.dtype[0] in "iu":
        scale, middle = quantum * factor, mean * factor + offset
        values = np.round((field.values * factor + offset - middle) / scale)
        if packing.dtype[0] == "u":  # as NetCDF-3 keeps them: signed, with a mark
            values = values + 30000.0
            middle -= 30000.0 * scale
            attributes["_Unsigned"] = "true"
        attributes |= {"scale_factor": scale, "add_offset": middle}
        fill = (
            (UNSIGNED_FILL if packing.dtype[0] == "u" else -32767.0)
            if fill is None and np.isnan(values).any()
            else fill
        )
    else:
        values = field.values * factor + offset
    if fill is not None:
        values = np.where(np.isnan(values), fill, values)
        marks = ("_FillValue", "missing_value") if packing.fill_attribute == "both" else (packing.fill_attribute,)
        attributes |= dict.fromkeys(marks, np.asarray(fill).astype(packing.dtype).view(_signed(packing.dtype))[()])
    values = values.astype(packing.dtype).view(_signed(packing.dtype))
    return field.copy(data=values).drop_attrs(deep=False).assign_attrs(attributes)


def _signed(dtype: str) -> str:
    return dtype.replace("u", "i")


def _with_leads(dataset: xr.Dataset, layout: Layout, part: xr.Dataset, names: dict[str, str]) -> xr.Dataset:
    """The dataset with its lead times or valid times in the form of the layout."""
    leads, starts = part["lead_time"].values, part["init_time"].values
    numbers, attributes = _durations(layout, leads)
    valid, valid_attributes = counted(starts[:, None] + leads, layout.clock)
    valid_attributes = valid_attributes | ({"standard_name": "time"} if layout.cf_axes else {})
    bare = dataset.drop_vars(["lead_time", "init_time"])
    form = layout.lead_form
    if form in ("scalar", "moments"):
        bare = bare.isel(lead_time=0)
        if form == "scalar":
            return bare.assign_coords({names["lead_time"]: ((), numbers[0], attributes)})
        return bare.assign_coords({layout.valid_name: ((), valid[0, 0], valid_attributes)})
    if form.startswith("valid"):
        names["lead_time"] = layout.valid_name
        bare = bare.assign_coords(lead_time=("lead_time", valid[0], valid_attributes))
        return (
            bare.assign_coords({layout.lead_name: ("lead_time", numbers, attributes)})
            if form == "valid_with_lead"
            else bare
        )
    if form != "bare_with_valid":
        bare = bare.assign_coords(lead_time=("lead_time", numbers, attributes))
    if form in ("dim", "indexed"):
        return bare
    if layout.start_form in ("dim", "dim1", "indexed"):
        return bare.assign_coords({layout.valid_name: (("init_time", "lead_time"), valid, valid_attributes)})
    return bare.assign_coords({layout.valid_name: ("lead_time", valid[0], valid_attributes)})


def _durations(layout: Layout, leads: np.ndarray) -> tuple[np.ndarray, dict[str, str]]:
    exact = leads / np.timedelta64(1, LEAD_UNITS[layout.lead_unit])
    numbers = exact.astype(layout.lead_dtype)
    if not np.allclose(numbers, exact, rtol=1e-6, atol=0):
        numbers = exact
    return numbers, {"units": layout.lead_unit, **_described(layout, "lead_time")}


def _with_start(dataset: xr.Dataset, layout: Layout, starts: np.ndarray, names: dict[str, str]) -> xr.Dataset:
    """The dataset with its start in the form of the layout, under the names of the layout."""
    name, form = layout.start_name, layout.start_form
    numbers, attributes = counted(starts, layout.clock)
    attributes = attributes | _described(layout, "init_time")
    if form in ("dim", "dim1", "indexed"):
        return dataset.assign_coords({name: (name, numbers, attributes)})
    bare = dataset.isel({name: 0})
    if form == "scalar":
        return bare.assign_coords({name: ((), numbers[0], attributes)})
    if form == "plain":
        return bare.assign({name: ((), numbers[0], attributes)})
    if form == "plain1":
        return bare.assign_coords({name: (name, numbers[:1], attributes)})
    dim = names["lead_time"] if form == "along_lead" else names["member"]
    return bare.assign_coords({name: (dim, np.repeat(numbers, bare.sizes[dim]), attributes)})


def _indexed(dataset: xr.Dataset, layout: Layout, names: dict[str, str]) -> xr.Dataset:
    """The dataset with dimensions of other names than the coordinates along them, as many files have `j` and `i`."""
    forms = {
        "init_time": layout.start_form, "lead_time": layout.lead_form, "member": layout.member_form,
        "latitude": "indexed" if layout.grid.indexed else "", "longitude": "indexed" if layout.grid.indexed else "",
    }  # fmt: skip
    dims = {"init_time": "case", "lead_time": "k", "member": "m", "latitude": "j", "longitude": "i"}
    for ours, form in forms.items():
        if form == "indexed" and names[ours] in dataset.dims:
            dataset = dataset.rename_dims({names[ours]: dims[ours]})
            if names[ours] in dataset.coords:
                dataset = dataset.drop_indexes(names[ours], errors="ignore")
            names[ours] = dims[ours]
    return dataset


def _described(layout: Layout, name: str) -> dict[str, str]:
    return {"standard_name": STANDARD_NAMES[name]} if layout.cf_axes else {}


def _labels(layout: Layout, members: np.ndarray) -> np.ndarray | None:
    kinds = {
        "from0": members, "from1": members + 1, "floats": members + 1.0,
        "names": np.array([f"gep{member:02d}" for member in members]),
        "ripf": np.array([f"r{member + 1}i1p1f1" for member in members]),
        "shuffled": (members * 3 + 2) % 7,
    }  # fmt: skip
    found = kinds.get(layout.labels)
    return found.astype("i4") if found is not None and found.dtype.kind == "i" else found


def ordered(dataset: xr.Dataset, layout: Layout, fields: list[str]) -> xr.Dataset:
    """Dimensions of the fields in the order of the layout."""
    ranks = dict(zip(sorted(map(str, dataset.dims)), layout.order_key, strict=False))
    order = sorted(ranks, key=ranks.__getitem__)
    return dataset.assign({name: dataset[name].transpose(*order, missing_dims="ignore") for name in fields})


def with_extras(
    dataset: xr.Dataset, layout: Layout, fields: list[str], names: dict[str, str], part: xr.Dataset
) -> xr.Dataset:
    """The dataset with things beside the fields that say nothing about them."""
    latitude, longitude = names["latitude"], names["longitude"]
    rows, columns = dataset.sizes[latitude], dataset.sizes[longitude]
    lead, start = names["lead_time"], names["init_time"]
    for extra in layout.extras:
        if extra == "crs":
            dataset = dataset.assign(crs=((), np.int32(0), {"grid_mapping_name": "latitude_longitude"}))
            dataset = dataset.assign({name: dataset[name].assign_attrs(grid_mapping="crs") for name in fields})
        elif extra == "height":
            dataset = dataset.assign_coords(height=((), 2.0, {"units": "m", "standard_name": "height"}))
        elif extra == "expver":
            dataset = dataset.assign_coords(expver="0001")
        elif extra == "bounds":
            values = dataset[latitude].values
            bounds = np.stack([values - 0.1, values + 0.1], axis=1)
            dataset = dataset.assign({f"{latitude}_bnds": ((latitude, "bnds"), bounds)})
            dataset[latitude].attrs["bounds"] = f"{latitude}_bnds"
        elif extra == "unrelated_field":
            dataset = dataset.assign(cloudiness=((latitude, longitude), np.full((rows, columns), np.nan, "f4")))
        elif extra == "text":
            dataset = dataset.assign(comment=((), "made elsewhere"))
        elif extra == "static":
            dataset = dataset.assign(orog=((latitude, longitude), np.full((rows, columns), 9.0, "f4"), {"units": "m"}))
        elif extra == "valid_time" and layout.lead_form == "dim" and "valid_time" not in dataset.variables:
            valid, attributes = counted(part["init_time"].values[:, None] + part["lead_time"].values, layout.clock)
            on = [name for name in (start, lead) if name in dataset.dims and name in dataset[fields[0]].dims]
            if on:
                dataset = dataset.assign_coords(valid_time=(on, valid if len(on) == 2 else valid[0], attributes))
        elif extra == "history":
            dataset = dataset.assign_attrs(history="ncks -O a.nc b.nc", Conventions="CF-1.6", source="a model")
        elif extra == "singleton":
            dataset = dataset.assign({name: dataset[name].expand_dims("surface") for name in fields})
        elif extra == "month" and start in dataset.dims:
            dataset = dataset.assign_coords(month=(start, np.full(dataset.sizes[start], 1, "i4")))
        elif extra == "hour_of_lead" and lead in dataset.dims:
            hours = (part["lead_time"].values / np.timedelta64(1, "h")).astype("i4")
            dataset = dataset.assign_coords(hour_of_lead=(lead, hours))
        elif extra == "flags" and names["member"] in dataset.dims:
            flags = np.zeros(dataset.sizes[names["member"]], "i1")
            dataset = dataset.assign(quality=(names["member"], flags))
    return dataset
