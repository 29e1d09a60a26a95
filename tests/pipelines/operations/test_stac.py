"""The catalogue beside the runs: valid by the schemas of STAC, true to the manifests, written only where it changed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import xarray as xr
from jsonschema import Draft7Validator
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry, Resource

from forecast.products.files.manifest import extend_manifest, read_manifest
from forecast.products.files.runs import RunDirectory
from pipelines.operations.stac import VERSION, item_path, write_catalogue
from tests.pipelines.operations.conftest import add_run

EUROPE, GLOBE, ALEUTIANS = np.arange(-10.0, 31, 2.5), np.arange(16) * 22.5, np.arange(160.0, 221, 10)


def on_grid(run: RunDirectory, longitude: np.ndarray) -> RunDirectory:
    """Give a run a products file with a grid."""
    coords = {"latitude": [40.0, 50.0, 60.0], "longitude": longitude}
    xr.Dataset(coords=coords).to_netcdf(run.products, engine="netcdf4")
    run.forecast.write_bytes(run.products.read_bytes())
    extend_manifest(run.path, [run.products, run.forecast])
    return run


def validator_of(kind: str) -> Draft7Validator:
    """What checks a catalog, a collection or an item, without a network."""
    schemas = get_local_schema_cache()
    registry = Registry().with_resources((name, Resource.from_contents(each)) for name, each in schemas.items())
    address = f"https://schemas.stacspec.org/v{VERSION}/{kind}-spec/json-schema/{kind}.json"
    return Draft7Validator(schemas[address], registry=registry)


def written(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_all_is_valid_and_linked(tmp_path: Path) -> None:
    runs = [on_grid(add_run(tmp_path, init), GLOBE) for init in ("2008-01-01", "2008-01-02")]
    path = write_catalogue(tmp_path, {"tiny": runs, "idle": []})
    for kind, files in (
        ("catalog", [path]),
        ("collection", [tmp_path / "tiny" / "collection.json"]),
        ("item", [item_path(run) for run in runs]),
    ):
        validator = validator_of(kind)
        for file in files:
            assert [error.message for error in validator.iter_errors(written(file))] == []
    assert list(validator.iter_errors({**written(files[0]), "bbox": ["here"]}))
    catalogue = pystac.Catalog.from_file(str(path))
    (collection,) = catalogue.get_children()
    assert [item.id for item in collection.get_items()] == ["tiny_20080101T0000Z", "tiny_20080102T0000Z"]
    for item in catalogue.get_items(recursive=True):
        for asset in item.assets.values():
            assert Path(str(asset.get_absolute_href())).is_file(), asset.href


def test_an_item_says_what_the_manifest_says(tmp_path: Path) -> None:
    run = on_grid(add_run(tmp_path, "2008-01-01"), GLOBE)
    write_catalogue(tmp_path, {"tiny": [run]})
    item, manifest = written(item_path(run)), read_manifest(run.path)
    assert item["properties"]["forecast:reference_datetime"] == "2008-01-01T00:00:00Z"
    assert item["properties"]["start_datetime"] == "2008-01-02T00:00:00Z"
    assert item["properties"]["end_datetime"] == "2008-01-04T00:00:00Z"
    data = item["assets"][run.forecast.name]
    assert data["file:checksum"] == "1220" + manifest.files[run.forecast.name].sha256
    assert (data["roles"], data["type"]) == (["data"], "application/x-netcdf")


@pytest.mark.parametrize(
    ("longitude", "box", "kind"),
    [
        (GLOBE, [-180, 40, 180, 60], "Polygon"),
        (EUROPE, [-10, 40, 30, 60], "Polygon"),
        (EUROPE % 360, [-10, 40, 30, 60], "Polygon"),
        (ALEUTIANS, [160, 40, -140, 60], "MultiPolygon"),
    ],
)
def test_the_box_of_a_grid(tmp_path: Path, longitude: np.ndarray, box: list[float], kind: str) -> None:
    run = on_grid(add_run(tmp_path, "2008-01-01"), longitude)
    write_catalogue(tmp_path, {"tiny": [run]})
    item = written(item_path(run))
    assert item["bbox"] == box
    assert item["geometry"]["type"] == kind


def test_only_what_changed_is_written_and_the_box_outlives_the_members(tmp_path: Path) -> None:
    run = on_grid(add_run(tmp_path, "2008-01-01"), EUROPE)
    write_catalogue(tmp_path, {"tiny": [run]})
    first = item_path(run).stat().st_mtime_ns
    write_catalogue(tmp_path, {"tiny": [run]})
    assert item_path(run).stat().st_mtime_ns == first
    run.scores.write_text("{}")
    extend_manifest(run.path, [run.scores])
    run.forecast.unlink()
    run.products.unlink()
    write_catalogue(tmp_path, {"tiny": [run]})
    item = written(item_path(run))
    assert item["assets"]["scores.json"]["roles"] == ["metadata"]
    assert item["bbox"] == [-10, 40, 30, 60]


def test_a_run_whose_grid_is_unknown_has_no_place(tmp_path: Path) -> None:
    run = add_run(tmp_path, "2008-01-01")
    item_path(run).write_text("cut off")
    write_catalogue(tmp_path, {"tiny": [run]})
    assert written(item_path(run))["geometry"] is None
    assert "bbox" not in written(item_path(run))
