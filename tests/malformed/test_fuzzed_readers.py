"""Whatever Hypothesis writes into a file, its reader returns or raises one clear line: never another error."""

import json
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_catalog.catalog import read_dataset
from data_catalog.errors import PlumecastError
from data_catalog.sources.reading import check_netcdf, open_netcdf
from data_catalog.storage.chained_lines import read_lines
from forecast.checkpoints.description import read_description
from forecast.products.files.checked import read_checked
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import is_complete, read_manifest
from forecast.system.reading import parse_system, read_system
from forecast.verification.baselines.files import load_baselines
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.workspace.model_registry import ModelRegistry
from tests.chaos.world import DATASET
from tests.pipelines.conftest import SYSTEM

EXAMPLES = settings(
    max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats()
WORDS = st.text(max_size=12) | st.sampled_from(
    ["2008-01-01", "9999-12-31", "../../x", "\0", "msl", "nan", "-1", "1e400"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
MANIFEST = {
    "format": 1, "generation": 1, "system": "tiny", "init_time": "2008-01-01T00:00Z", "system_hash": "a",
    "model_id": "b", "data_hash": "c", "seeds": {"0": "0"}, "expected": {"members": [0], "lead_hours": [24]},
    "delivered": {"members": [0], "lead_hours": [24]}, "files": {"a.nc": {"sha256": "0" * 64, "size": 1}},
}  # fmt: skip
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "system file": ("tiny.toml", read_system),
    "dataset file": ("invented.toml", read_dataset),
    "manifest": ("manifest.json", lambda path: (is_complete(path.parent), read_manifest(path.parent))),
    "checks": ("checks.json", read_checked),
    "description of a checkpoint": ("checkpoint.json", lambda path: read_description(path.parent)),
    "ledger of cycles": ("tiny.jsonl", CycleLedger.read),
    "ledger of an archive": ("ledger.jsonl", lambda path: read_lines(path.read_bytes(), "ledger")),
    "registry of models": ("models.jsonl", ModelRegistry.read),
    "NetCDF analysis": ("weather.nc", lambda path: (check_netcdf(path), open_netcdf(path))),
    "NetCDF forecast": ("20080101T0000Z.nc", open_forecast),
    "baselines": ("baselines.nc", load_baselines),
}


def refusal(read: Callable[[], object]) -> str | None:
    """The error of ours that something raises; None if it raises none."""
    try:
        read()
    except PlumecastError as error:
        return str(error)
    return None


def read_in_one_line(name: str, content: bytes) -> None:
    """Read a file of a kind with some content; an error must be one of ours, of one line."""
    file, read = READERS[name]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / file
        path.write_bytes(content)
        told = refusal(lambda: read(path))
        assert told is None or (told.strip() and "\n" not in told)
        assert [each.name for each in Path(directory).iterdir()] == [file]


@pytest.mark.parametrize("name", READERS)
@given(content=st.binary(max_size=200) | st.text(max_size=60).map(str.encode))
@EXAMPLES
def test_any_bytes(name: str, content: bytes) -> None:
    read_in_one_line(name, content)


@pytest.mark.parametrize("name", [name for name, (file, _) in READERS.items() if file.endswith((".json", ".jsonl"))])
@given(value=VALUES, lines=st.integers(1, 3))
@EXAMPLES
def test_any_json(name: str, value: object, lines: int) -> None:
    read_in_one_line(name, "\n".join([json.dumps(value)] * lines).encode())


def with_value(tree: Any, path: list[int], value: object) -> Any:
    """A copy of nested tables in which one value, at the end of a path of numbers, is another."""
    if not isinstance(tree, dict | list) or not tree or not path:
        return value
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = keys[path[0] % len(keys)]
    changed = tree.copy()
    changed[key] = with_value(tree[key], path[1:], value)
    return changed


PATHS = st.lists(st.integers(0, 30), min_size=1, max_size=4)


@given(path=PATHS, value=VALUES)
@EXAMPLES
def test_a_manifest_with_another_value(path: list[int], value: object) -> None:
    read_in_one_line("manifest", json.dumps(with_value(MANIFEST, path, value)).encode())


@given(path=PATHS, value=VALUES)
@settings(EXAMPLES, max_examples=200)
def test_a_system_with_another_value(path: list[int], value: object) -> None:
    content = with_value(tomllib.loads(SYSTEM), path, value)
    told = refusal(lambda: parse_system(content, origin="system"))
    if told is None:
        system = parse_system(content, origin="system")
        again = parse_system(system.model_dump(mode="json"), origin="again")
        assert again.identity_hash() == system.identity_hash()
    else:
        assert "\n" not in told


@given(number=st.integers(0, 60), line=st.text(max_size=40), name=st.sampled_from(["system file", "dataset file"]))
@EXAMPLES
def test_toml_with_another_line(number: int, line: str, name: str) -> None:
    lines = (SYSTEM if name == "system file" else DATASET).splitlines()
    lines[number % len(lines)] = line
    read_in_one_line(name, "\n".join(lines).encode("utf-8", "surrogatepass"))


DIMS = ["time", "latitude", "longitude", "level", "realization", "x"]
KEYS = ["units", "calendar", "scale_factor", "_Unsigned", "valid_range", "coordinates", "bounds", "axis"]
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)


@given(
    kind=st.sampled_from(["NetCDF analysis", "NetCDF forecast", "baselines"]),
    dims=st.lists(st.sampled_from(DIMS), max_size=4, unique=True),
    sizes=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    typed=st.sampled_from(["f4", "f8", "i2", "i8", "u1", "S1"]),
    attributes=st.dictionaries(st.sampled_from(KEYS), ASCII | st.integers(-9, 9) | st.floats(width=32), max_size=3),
)
@settings(EXAMPLES, max_examples=150)
def test_any_header(
    kind: str, dims: list[str], sizes: list[int], typed: str, attributes: dict[str, str | int | float]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "made.nc"
        with netCDF4.Dataset(path, "w") as made:
            for dim, size in zip(dims, sizes, strict=False):
                made.createDimension(dim, size or None)
                axis = made.createVariable(dim, "f8", (dim,))
                axis.setncatts({"units": "hours since 2008-01-01"} if dim == "time" else {})
                axis[:] = range(size)
            made.createVariable("t2m", typed, tuple(dims)).setncatts(attributes)
            made.setncatts(attributes)
        content = path.read_bytes()
    read_in_one_line(kind, content)
