"""Faults of files from elsewhere: each spoils a right layout in one way, and says what must come of it."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

WILD = {"nan": np.nan, "inf": np.inf, "minus_inf": -np.inf, "1e6": 1e6, "-9999": -9999.0, "1e20": 1e20,
        "default_fill": 9.969209968386869e36}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One way to be wrong.

    Attributes:
        spoil: Takes what its stage has, and the layout; returns None where the layout has no place for it.
        stage: `values` (SI, our names), `analysis` (the same), `raw` (a file as it will be written) or `files`.
        right: `refusal`, or `either` where the right score is as good.
    """

    spoil: Callable[..., Any]
    stage: str
    right: str = "refusal"


def _first(fields: xr.Dataset) -> str:
    return str(next(iter(fields.data_vars)))


def _at_a_point(value: float) -> Callable[..., Any]:
    def spoil(fields: xr.Dataset, layout: Any) -> xr.Dataset:
        name = _first(fields)
        values = fields[name].values.copy()
        point = np.argwhere(np.isfinite(values))[layout.seed % int(np.isfinite(values).sum())]
        values[tuple(point)] = value
        return fields.assign({name: (fields[name].dims, values)})

    return spoil


def _whole_member(value: float) -> Callable[..., Any]:
    def spoil(fields: xr.Dataset, layout: Any) -> xr.Dataset | None:
        name = _first(fields)
        if value == 0.0 and name in ("tp24", "q700"):
            return None  # a value that may be
        values = fields[name].values.copy()
        values[:, layout.seed % values.shape[1]] = value
        return fields.assign({name: (fields[name].dims, values)})

    return spoil


def _one_lead_nan(fields: xr.Dataset, layout: Any) -> xr.Dataset:
    name = _first(fields)
    values = fields[name].values.copy()
    values[:, :, layout.seed % values.shape[2]] = np.nan
    return fields.assign({name: (fields[name].dims, values)})


def _celsius_as_kelvin(fields: xr.Dataset, layout: Any) -> xr.Dataset | None:
    return _scaled(fields, {"t2m": (1, -273.15), "sst": (1, -273.15), "t850": (1, -273.15), "t500": (1, -273.15)})


def _wrong_size(fields: xr.Dataset, layout: Any) -> xr.Dataset | None:
    return _scaled(fields, {"msl": (0.01, 0), "z500": (1 / 9.80665, 0), "z850": (1 / 9.80665, 0), "q700": (1000, 0)})


def _scaled(fields: xr.Dataset, changes: dict[str, tuple[float, float]]) -> xr.Dataset | None:
    found = {name: fields[name] * changes[name][0] + changes[name][1] for name in changes if name in fields}
    return fields.assign(found) if found else None


def _attribute(name: str, value: Any) -> Callable[..., Any]:
    def spoil(raw: Any, layout: Any) -> xr.Dataset:
        field = raw.dataset[raw.fields[0]]
        attributes = {key: kept for key, kept in field.attrs.items() if key != name}
        return raw.dataset.assign(
            {
                raw.fields[0]: field.drop_attrs(deep=False).assign_attrs(
                    attributes | ({} if value is None else {name: value})
                )
            }
        )

    return spoil


def _valid_range(raw: Any, layout: Any) -> xr.Dataset:
    values = raw.dataset[raw.fields[0]].values
    kept = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    middle = np.median(kept).astype(values.dtype)
    return _attribute("valid_range", np.array([kept.min(), middle]))(raw, layout)


def _without(*ours: str) -> Callable[..., Any]:
    """Without the coordinate of an axis: its dimension stays."""

    def spoil(raw: Any, layout: Any) -> xr.Dataset | None:
        names = [getattr(layout.grid, one) for one in ours]
        return raw.dataset.drop_vars(names) if names else None

    return spoil


def _without_start(raw: Any, layout: Any) -> xr.Dataset | None:
    dataset = raw.dataset.drop_vars(layout.start_name)
    times = {layout.valid_name, layout.lead_name} & set(dataset.variables)
    knows = (
        layout.lead_form in ("lead_with_valid", "valid_with_lead", "bare_with_valid") or "valid_time" in layout.extras
    )
    return None if knows and times else dataset


def repeated(ours: str) -> Callable[..., Any]:
    """An axis that says one of its values twice."""

    def spoil(raw: Any, layout: Any) -> xr.Dataset | None:
        name = raw.names.get(ours)
        if name is None or name not in raw.dataset.variables or raw.dataset.sizes[name] < 2:
            return None
        values = raw.dataset[name].values.copy()
        values[1] = values[0]
        return raw.dataset.assign_coords({name: (name, values, raw.dataset[name].attrs)})

    return spoil


def _shifted(ours: str, hours: float) -> Callable[..., Any]:
    """Times at which there is no analysis."""

    def spoil(fields: xr.Dataset, layout: Any) -> xr.Dataset:
        moved = fields[ours].values + np.timedelta64(int(hours * 60), "m")
        return fields.assign_coords({ours: moved})

    return spoil


def _two_dimensional(raw: Any, layout: Any) -> xr.Dataset | None:
    latitude, longitude = raw.names["latitude"], raw.names["longitude"]
    if {"y", "x", "j", "i"} & {latitude, longitude} or "bounds" in layout.extras:
        return None
    rows, columns = np.meshgrid(raw.dataset[latitude].values, raw.dataset[longitude].values, indexing="ij")
    bare = raw.dataset.drop_vars([latitude, longitude]).rename_dims({latitude: "y", longitude: "x"})
    return bare.assign_coords({latitude: (("y", "x"), rows + 0.01 * columns), longitude: (("y", "x"), columns)})


def _list_of_points(raw: Any, layout: Any) -> xr.Dataset | None:
    latitude, longitude = raw.names["latitude"], raw.names["longitude"]
    if "bounds" in layout.extras or layout.grid.indexed:
        return None
    return raw.dataset.stack(values=(latitude, longitude)).reset_index("values")


def _along(raw: Any, layout: Any, ours: str, change: Callable[[np.ndarray], np.ndarray]) -> xr.Dataset:
    """With the values of a horizontal coordinate changed."""
    name = getattr(layout.grid, ours)
    coordinate = raw.dataset[name]
    values = change(coordinate.values.copy()).astype(coordinate.dtype)
    return raw.dataset.assign_coords({name: (coordinate.dims, values, coordinate.attrs)})


def _moved_grid(raw: Any, layout: Any) -> xr.Dataset:
    return _along(raw, layout, "latitude", lambda values: values + 0.03 * (1 if layout.seed % 2 else -1))


def _radians(raw: Any, layout: Any) -> xr.Dataset:
    dataset = _along(raw, layout, "latitude", np.deg2rad)
    dataset[layout.grid.latitude].attrs["units"] = "radian"
    return dataset


def _degrees_west(raw: Any, layout: Any) -> xr.Dataset:
    dataset = _along(raw, layout, "longitude", lambda values: -values)
    dataset[layout.grid.longitude].attrs["units"] = "degrees_west"
    return dataset


def _degrees_south(raw: Any, layout: Any) -> xr.Dataset:
    dataset = _along(raw, layout, "latitude", lambda values: -values)
    dataset[layout.grid.latitude].attrs["units"] = "degrees_south"
    return dataset


def _rotated(raw: Any, layout: Any) -> xr.Dataset | None:
    """Points of a rotated pole, whose true places are two-dimensional."""
    if "bounds" in layout.extras:
        return None
    latitude, longitude = layout.grid.latitude, layout.grid.longitude
    rows, columns = np.meshgrid(raw.dataset[latitude].values, raw.dataset[longitude].values, indexing="ij")
    dims = {raw.names["latitude"]: "rlat", raw.names["longitude"]: "rlon"}
    bare = raw.dataset.drop_vars([latitude, longitude]).rename_dims(dims)
    return bare.assign_coords(
        rlat=("rlat", rows[:, 0], {"standard_name": "grid_latitude", "units": "degrees"}),
        rlon=("rlon", columns[0], {"standard_name": "grid_longitude", "units": "degrees"}),
        lat=(("rlat", "rlon"), rows + 1.0), lon=(("rlat", "rlon"), columns + 1.0),
    )  # fmt: skip


def _contradicting_valid_times(raw: Any, layout: Any) -> xr.Dataset | None:
    if layout.lead_form not in ("lead_with_valid", "valid_with_lead"):
        return None
    name = layout.valid_name if layout.lead_form == "lead_with_valid" else layout.lead_name
    other = raw.dataset[name]
    if name == layout.lead_name:
        values = other.values * 2
    else:
        values = other.values + {"hours": 12, "days": 0.5, "minutes": 720, "seconds": 43200}[layout.clock.unit]
    if other.dtype.kind != "f" and (values % 1).any():
        return None
    return raw.dataset.assign_coords({name: (other.dims, values.astype(other.dtype), other.attrs)})


def _second_spelling(raw: Any, layout: Any) -> xr.Dataset | None:
    """Two fields of one channel that differ."""
    others = {"t2m": "tas", "msl": "prmsl", "u10": "uas"}
    first = layout.channels[0]
    if first not in others or raw.fields[0] == others[first]:
        return None
    field = raw.dataset[raw.fields[0]]
    return raw.dataset.assign({others[first]: field.isel({raw.names["latitude"]: slice(None, None, -1)}).variable})


def _times_as_dates(raw: Any, layout: Any) -> xr.Dataset | None:
    dataset = _attribute_of_times("units", "day as %Y%m%d.%f")(raw, layout)
    return None if dataset is None else dataset


def _text_leads(raw: Any, layout: Any) -> xr.Dataset | None:
    name = raw.names.get("lead_time")
    if name != layout.lead_name or "valid_time" in raw.dataset.variables or layout.lead_form == "lead_with_valid":
        return None
    texts = np.array([f"0-{hours}" for hours in range(24, 24 * raw.dataset.sizes[name] + 1, 24)])
    return raw.dataset.assign_coords({name: (name, texts)})


def _fewer_rows(raw: Any, layout: Any) -> xr.Dataset:
    return raw.dataset.isel({raw.names["latitude"]: slice(1, None)})


def _shuffled_rows(raw: Any, layout: Any) -> xr.Dataset:
    order = np.arange(raw.dataset.sizes[raw.names["latitude"]])
    order[[0, 2]] = order[[2, 0]]
    return raw.dataset.isel({raw.names["latitude"]: order})


def _beyond_pole(raw: Any, layout: Any) -> xr.Dataset:
    return _along(raw, layout, "latitude", lambda values: values * 1.5 + 20)


def _missing_latitude(raw: Any, layout: Any) -> xr.Dataset:
    return _along(raw, layout, "latitude", lambda values: np.where(np.arange(len(values)) == 1, np.nan, values))


def _cyclic_that_differs(raw: Any, layout: Any) -> xr.Dataset | None:
    if layout.grid.turn != "cyclic":
        return None
    name = raw.fields[0]
    field = raw.dataset[name].copy(deep=True)
    field[{raw.names["longitude"]: -1}] = field[{raw.names["longitude"]: -3}].values
    return raw.dataset.assign({name: field})


def _lagged(raw: Any, layout: Any) -> xr.Dataset | None:
    name = layout.start_name
    if layout.start_form != "along_member" or raw.dataset[name].size < 2:
        return None
    coordinate = raw.dataset[name]
    per_hour = {"hours": 1, "days": 1 / 24, "minutes": 60, "seconds": 3600}[layout.clock.unit]
    lags = (6 * per_hour * np.arange(coordinate.size)).astype(coordinate.dtype)
    if not lags[1]:
        return None
    return raw.dataset.assign_coords({name: (coordinate.dims, coordinate.values - lags, coordinate.attrs)})


def _attribute_of_times(key: str, value: Any) -> Callable[..., Any]:
    """An attribute of every variable that counts time."""

    def spoil(raw: Any, layout: Any) -> xr.Dataset | None:
        counts = [str(n) for n, v in raw.dataset.variables.items() if " since " in str(v.attrs.get("units", ""))]
        dataset = raw.dataset.copy()
        for name in counts:
            dataset[name].attrs = {k: v for k, v in dataset[name].attrs.items() if k != key} | (
                {} if value is None else {key: value}
            )
        return dataset if counts else None

    return spoil


def _unit_of_leads(value: str | None) -> Callable[..., Any]:
    def spoil(raw: Any, layout: Any) -> xr.Dataset | None:
        name = layout.lead_name
        if name not in raw.dataset.variables or layout.lead_form in ("valid_with_lead", "lead_with_valid"):
            return None
        if "valid_time" in raw.dataset.variables:
            return None
        dataset = raw.dataset.copy()
        kept = {key: kept for key, kept in dataset[name].attrs.items() if key != "units"}
        dataset[name].attrs = kept | ({} if value is None else {"units": value})
        return dataset

    return spoil


def _unit_of_levels(raw: Any, layout: Any) -> xr.Dataset | None:
    if "level" not in raw.names and layout.levels != "scalar":
        return None
    if layout.level_name not in raw.dataset.variables or {"t2m", "msl"} & set(layout.channels):
        return None  # fields without levels are scored, and those on no pressure level passed over
    dataset = raw.dataset.copy()
    dataset[layout.level_name].attrs = {"units": "K"}
    return dataset


def _two_scenarios(raw: Any, layout: Any) -> xr.Dataset:
    name = raw.fields[0]
    return raw.dataset.assign({name: raw.dataset[name].expand_dims(scenario=2)})


def _unknown_name(raw: Any, layout: Any) -> xr.Dataset:
    dataset = raw.dataset.rename({name: f"my_own_{index}" for index, name in enumerate(raw.fields)})
    return dataset.assign({str(name): dataset[name].assign_attrs(long_name="?") for name in dataset.data_vars})


def _no_members(raw: Any, layout: Any) -> xr.Dataset | None:
    name = raw.names.get("member")
    return None if name is None else raw.dataset.isel({name: slice(0, 0)})


def _text_as_values(raw: Any, layout: Any) -> xr.Dataset:
    name = raw.fields[0]
    text = raw.dataset[name].astype(str).astype("U9").drop_attrs(deep=False)
    return raw.dataset.assign({name: text.assign_attrs(units=raw.dataset[name].attrs["units"])})


def _missing_lead(raw: Any, layout: Any) -> xr.Dataset | None:
    """A lead time or valid time that is NaN."""
    name = raw.names.get("lead_time")
    if name is None or name not in raw.dataset.variables:
        return None
    coordinate = raw.dataset[name]
    values = coordinate.values.astype("f8")
    values[-1] = np.nan
    return raw.dataset.assign_coords({name: (name, values, coordinate.attrs)})


def _analysis_hole(weather: xr.Dataset, layout: Any) -> xr.Dataset:
    return weather.isel(time=slice(0, 2))


def _analysis_without_channel(weather: xr.Dataset, layout: Any) -> xr.Dataset | None:
    if layout.analysis_foreign:
        return None
    return weather.drop_vars(_first(weather)).assign(d2m=weather[_first(weather)] * 0 + 280.0)


def _analysis_repeats(weather: xr.Dataset, layout: Any) -> xr.Dataset:
    times = weather["time"].values.copy()
    times[3] = times[2]
    return weather.assign_coords(time=times)


def _bytes(change: Callable[[bytes], bytes]) -> Callable[..., Any]:
    def spoil(paths: list[Path], layout: Any) -> list[Path] | None:
        if paths[0].is_dir():
            return None
        paths[0].write_bytes(change(paths[0].read_bytes()))
        return paths

    return spoil


def _lost_chunk(paths: list[Path], layout: Any) -> list[Path] | None:
    """A Zarr store without one chunk of its field."""
    zero_is_weather = layout.channels[0] in ("u10", "tp24", "q700") or layout.packing.dtype[0] in "iu"
    if not paths[0].is_dir() or (zero_is_weather and layout.packing.fill is None):
        return None
    _largest_chunk(paths[0]).unlink()
    return paths


def _damaged_chunk(paths: list[Path], layout: Any) -> list[Path] | None:
    if not paths[0].is_dir():
        return None
    largest = _largest_chunk(paths[0])
    largest.write_bytes(largest.read_bytes()[:-7])
    return paths


def _largest_chunk(store: Path) -> Path:
    chunks = sorted(p for p in store.rglob("*") if p.is_file() and not p.name.startswith((".z", "zarr.json")))
    return max(chunks, key=lambda path: path.stat().st_size)


def _second_copy(paths: list[Path], layout: Any) -> list[Path] | None:
    if paths[0].is_dir():
        return None
    copy = paths[0].with_name(f"copy-of-{paths[0].name}")
    copy.write_bytes(paths[0].read_bytes())
    return [*paths, copy]


def _no_file(paths: list[Path], layout: Any) -> list[Path]:
    return [*paths[:-1], paths[-1].with_name("nothing-there.nc")]


FAULTS = {
    **{f"{name} at a point": Fault(_at_a_point(value), "values") for name, value in WILD.items()},
    "member never written": Fault(_whole_member(np.nan), "values"),
    "member of zeros": Fault(_whole_member(0.0), "values"),
    "lead never written": Fault(_one_lead_nan, "values"),
    "celsius as kelvin": Fault(_celsius_as_kelvin, "values"),
    "wrong size": Fault(_wrong_size, "values"),
    "no units": Fault(_attribute("units", None), "raw"),
    "empty units": Fault(_attribute("units", ""), "raw"),
    "unknown units": Fault(_attribute("units", "furlongs"), "raw"),
    "units of another quantity": Fault(_attribute("units", "kg m-3"), "raw"),
    "valid_range": Fault(_valid_range, "raw"),
    "no latitudes": Fault(_without("latitude"), "raw"),
    "no coordinates": Fault(_without("latitude", "longitude"), "raw"),
    "no start": Fault(_without_start, "raw"),
    "a member twice": Fault(repeated("member"), "raw", "either"),
    "a lead twice": Fault(repeated("lead_time"), "raw"),
    "a start twice": Fault(repeated("init_time"), "raw"),
    "a longitude twice": Fault(repeated("longitude"), "raw"),
    "starts moved": Fault(_shifted("init_time", 3.0), "values"),
    "starts moved a little": Fault(_shifted("init_time", 0.5), "values"),
    "leads moved": Fault(_shifted("lead_time", 1.0), "values"),
    "starts in another year": Fault(_shifted("init_time", 24 * 366), "values"),
    "curvilinear grid": Fault(_two_dimensional, "raw"),
    "list of points": Fault(_list_of_points, "raw"),
    "latitudes in radians": Fault(_radians, "raw", "either"),
    "degrees west": Fault(_degrees_west, "raw", "either"),
    "degrees south": Fault(_degrees_south, "raw", "either"),
    "rotated grid": Fault(_rotated, "raw"),
    "valid times that contradict": Fault(_contradicting_valid_times, "raw"),
    "two fields of one channel": Fault(_second_spelling, "raw"),
    "times as dates": Fault(_times_as_dates, "raw"),
    "leads as text": Fault(_text_leads, "raw"),
    "scale_factor as text": Fault(_attribute("scale_factor", "0.5"), "raw"),
    "moved grid": Fault(_moved_grid, "raw"),
    "fewer rows": Fault(_fewer_rows, "raw"),
    "rows out of order": Fault(_shuffled_rows, "raw", "either"),
    "beyond the pole": Fault(_beyond_pole, "raw"),
    "a latitude missing": Fault(_missing_latitude, "raw"),
    "cyclic column that differs": Fault(_cyclic_that_differs, "raw"),
    "lagged starts": Fault(_lagged, "raw"),
    "noleap": Fault(_attribute_of_times("calendar", "noleap"), "raw", "either"),
    "360_day": Fault(_attribute_of_times("calendar", "360_day"), "raw", "either"),
    "unknown calendar": Fault(_attribute_of_times("calendar", "mayan"), "raw", "either"),
    "times without units": Fault(_attribute_of_times("units", None), "raw"),
    "times since nonsense": Fault(_attribute_of_times("units", "hours since the flood"), "raw"),
    "times since month 13": Fault(_attribute_of_times("units", "hours since 2008-13-01"), "raw"),
    "leads without units": Fault(_unit_of_leads(None), "raw"),
    "leads in months": Fault(_unit_of_leads("months"), "raw"),
    "leads in K": Fault(_unit_of_leads("K"), "raw"),
    "levels in K": Fault(_unit_of_levels, "raw"),
    "a lead missing": Fault(_missing_lead, "raw"),
    "two scenarios": Fault(_two_scenarios, "raw"),
    "unknown name": Fault(_unknown_name, "raw"),
    "no members": Fault(_no_members, "raw"),
    "text as values": Fault(_text_as_values, "raw"),
    "analysis ends early": Fault(_analysis_hole, "analysis"),
    "analysis with NaN": Fault(lambda w, layout: _everywhere(w, np.nan, layout), "analysis"),
    "analysis in celsius": Fault(_celsius_as_kelvin, "analysis"),
    "analysis of another channel": Fault(_analysis_without_channel, "analysis"),
    "analysis repeats a time": Fault(_analysis_repeats, "analysis"),
    "truncated": Fault(_bytes(lambda content: content[: len(content) // 2]), "files"),
    "empty file": Fault(_bytes(lambda content: b""), "files"),
    "text file": Fault(_bytes(lambda content: b"place,start,lead\n"), "files"),
    "GRIB": Fault(_bytes(lambda content: b"GRIB" + content), "files"),
    "gzip": Fault(_bytes(gzip.compress), "files"),
    "lost chunk": Fault(_lost_chunk, "files"),
    "damaged chunk": Fault(_damaged_chunk, "files"),
    "second copy": Fault(_second_copy, "files", "either"),
    "no file": Fault(_no_file, "files"),
}


def _everywhere(weather: xr.Dataset, value: float, layout: Any) -> xr.Dataset | None:
    name = _first(weather)
    if name == "sst":
        return None
    return weather.assign({name: weather[name].where(weather[name] > weather[name].min(), value)})
