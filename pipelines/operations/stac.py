"""Describes published runs as a SpatioTemporal Asset Catalog: a catalogue, a collection a system, an item a run.

All lies beside the runs and is derived from their manifests; links are relative, so that a copy of the directory works.

Source: STAC 1.1.0, https://github.com/radiantearth/stac-spec/tree/v1.1.0; forecast extension 0.2.0,
https://github.com/stac-extensions/forecast; file extension 2.1.0, https://github.com/stac-extensions/file
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.times import iso
from data_catalog.storage.atomic_files import write_durably
from forecast.products.files.manifest import Manifest, read_manifest
from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import cycle_name

VERSION = "1.1.0"
FORECAST = "https://stac-extensions.github.io/forecast/v0.2.0/schema.json"
FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
_SHA256 = "1220"
"""Of a multihash: it is a SHA-256, of 32 bytes."""
_TYPES = {".nc": "application/x-netcdf", ".json": "application/json", ".png": "image/png", ".html": "text/html"}
_WHOLE_GLOBE = 360.0
_WORLD = [-180.0, -90.0, 180.0, 90.0]
_HOUR = np.timedelta64(1, "h")


def write_catalogue(runs: Path, published: Mapping[str, Sequence[RunDirectory]]) -> Path:
    """Write what is new or has changed: `catalog.json`, `<system>/collection.json`, `<system>/<cycle>.item.json`.

    Args:
        runs: Root of the run directories.
        published: Published runs by system, ascending.

    Returns:
        Path of the catalogue.

    Raises:
        ConfigurationError: A file cannot be written.
    """
    for name, found in published.items():
        items = [_current_item(run) for run in found]
        if items:
            _write(runs / name / "collection.json", _collection(name, found, items))
    links = [_link("child", f"./{name}/collection.json", name) for name, found in published.items() if found]
    described = {"id": "plumecast", "description": "Published forecasts of each system."}
    catalogue = {"type": "Catalog", "stac_version": VERSION, **described}
    return _write(runs / "catalog.json", {**catalogue, "links": [*_own("catalog.json"), *links]})


def item_path(run: RunDirectory) -> Path:
    """Return the path of the item of a run, beside the run, whose manifest lists all that is in it.

    Args:
        run: The run.
    """
    return run.path.with_name(f"{cycle_name(run.init_time)}.item.json")


def _current_item(run: RunDirectory) -> dict[str, Any]:
    """The item of a run, written again if the manifest is newer."""
    path = item_path(run)
    before = _read(path)
    if before is not None and path.stat().st_mtime_ns >= run.manifest.stat().st_mtime_ns:
        return before
    item = _item(run, read_manifest(run.path), before)
    _write(path, item)
    return item


def _read(path: Path) -> dict[str, Any] | None:
    """What was written before; None if it is absent or damaged, since it can be derived again."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("properties") else None


def _item(run: RunDirectory, manifest: Manifest, before: Mapping[str, Any] | None) -> dict[str, Any]:
    leads = manifest.delivered.lead_hours
    start, end = (iso_seconds(run.init_time + hours * _HOUR) for hours in (min(leads), max(leads)))
    box = _box(run) or (before or {}).get("bbox")  # the files that hold the grid may be retired
    place: dict[str, Any] = {"geometry": None} if box is None else {"geometry": _outline(box), "bbox": box}
    properties = {
        "datetime": None,
        "start_datetime": start,
        "end_datetime": end,
        "forecast:reference_datetime": iso_seconds(run.init_time),
        "forecast:perturbed": True,
        "plumecast:members": len(manifest.delivered.members),
        "plumecast:lead_hours": list(leads),
        "plumecast:model_id": manifest.model_id,
        "plumecast:generation": manifest.generation,
    }
    links = [*_own(item_path(run).name, "../catalog.json"), _link("parent", "./collection.json", run.system_name)]
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [FORECAST, FILE],
        "id": run.stem,
        **place,
        "properties": properties,
        "links": [*links, _link("collection", "./collection.json", run.system_name)],
        "collection": run.system_name,
        "assets": _assets(run, manifest),
    }


def _assets(run: RunDirectory, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """What is in a run, but for the parts of a Zarr store, which are many."""
    roles = {run.forecast.name: ["data"], run.products.name: ["data"], run.report.name: ["overview"]}
    assets: dict[str, dict[str, Any]] = {}
    for name, entry in manifest.files.items():
        kind = _TYPES.get(Path(name).suffix)
        if kind is None or name.startswith(run.zarr.name):
            continue
        facts = {"file:size": entry.size, "file:checksum": _SHA256 + entry.sha256}
        role = roles.get(name, ["overview"] if kind == "image/png" else ["metadata"])
        assets[name] = {"href": f"./{run.path.name}/{name}", "type": kind, "roles": role, **facts}
    manifest_path = f"./{run.path.name}/{run.manifest.name}"
    return {**assets, "manifest": {"href": manifest_path, "type": _TYPES[".json"], "roles": ["metadata"]}}


def _collection(name: str, runs: Sequence[RunDirectory], items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    boxes = [item["bbox"] for item in items if "bbox" in item]
    times = [item["properties"][key] for item in items for key in ("start_datetime", "end_datetime")]
    extent = {
        "spatial": {"bbox": [boxes[-1] if boxes else _WORLD]},
        "temporal": {"interval": [[min(times), max(times)]]},
    }
    links = [_link("item", f"./{item_path(run).name}", run.stem) for run in runs]
    return {
        "type": "Collection",
        "stac_version": VERSION,
        "id": name,
        "description": f"Ensemble forecasts of the system {name}.",
        "license": "other",
        "extent": extent,
        "links": [*_own("collection.json", "../catalog.json"), _link("parent", "../catalog.json", "plumecast"), *links],
    }


def _own(name: str, root: str = "./catalog.json") -> list[dict[str, str]]:
    return [_link("root", root, "plumecast"), _link("self", f"./{name}", name)]


def _link(relation: str, href: str, title: str) -> dict[str, str]:
    kind = "application/geo+json" if href.endswith(".item.json") else _TYPES[".json"]
    return {"rel": relation, "href": href, "type": kind, "title": title}


def iso_seconds(time: np.datetime64) -> str:
    """Return a time as RFC 3339 wants it, with seconds.

    Args:
        time: UTC.
    """
    return f"{iso(time).removesuffix('Z')}:00Z"


def _box(run: RunDirectory) -> list[float] | None:
    """West, south, east and north of the points of a run, degrees; west is more than east across the date line."""
    path = next((path for path in (run.forecast, run.products) if path.exists()), None)
    try:
        assert path is not None
        with netCDF4.Dataset(path) as stored:
            latitude, longitude = (np.asarray(stored[name][:], float) for name in ("latitude", "longitude"))
    except (AssertionError, OSError, IndexError):
        return None
    west, east = _sides(longitude)
    return [west, round(float(latitude.min()), 4), east, round(float(latitude.max()), 4)]


def _sides(longitude: NDArray[np.float64]) -> tuple[float, float]:
    """West and east in degrees from -180 to 180; those of the whole globe if no gap is wider than the others."""
    ordered = np.sort(longitude % _WHOLE_GLOBE)
    gaps = np.diff(np.append(ordered, ordered[0] + _WHOLE_GLOBE))
    widest = int(gaps.argmax())
    if ordered.size > 1 and gaps[widest] < 1.5 * np.median(gaps):
        return _WORLD[0], _WORLD[2]
    sides = ordered[(widest + 1) % ordered.size], ordered[widest]
    west, east = ((float(side) + 180) % _WHOLE_GLOBE - 180 for side in sides)
    return round(west, 4), round(east, 4)


def _outline(box: Sequence[float]) -> dict[str, Any]:
    """A box as GeoJSON, cut in two where it crosses the date line."""
    west, south, east, north = box
    parts = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    rings = [[[[a, south], [b, south], [b, north], [a, north], [a, south]]] for a, b in parts]
    whole = len(rings) == 1
    return {"type": "Polygon" if whole else "MultiPolygon", "coordinates": rings[0] if whole else rings}


def _write(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a file unless it holds just that."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    try:
        unchanged = path.read_text(encoding="utf-8") == text
    except (OSError, ValueError):
        unchanged = False
    if not unchanged:
        write_durably(path, text)
    return path
