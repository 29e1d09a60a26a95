"""The lock has every dependency in the versions that are tested, with hashes."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "infra" / "lock.txt").read_text()
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Version by name."""
    return {canonicalize_name(name): version for name, version in PIN.findall(text)}


def test_the_lock_has_the_versions_that_are_tested() -> None:
    tested, locked = pins((ROOT / "infra" / "constraints-ci.txt").read_text()), pins(LOCK)
    both = locked.keys() & tested.keys()
    assert len(both) > 100
    assert {name: (locked[name], tested[name]) for name in both if locked[name] != tested[name]} == {}
    # What a plain PyTorch brings for GPUs, and what only other releases of Python and of pip need.
    rest = ("nvidia-", "cuda-", "triton", "async-timeout", "setuptools")
    assert [name for name in locked.keys() - both if not name.startswith(rest)] == []


def test_every_package_has_hashes() -> None:
    for part in re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", part), part.splitlines()[0]


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"]]
    for name in ("model", "flows", "dask", "grib", "parquet", "cds"):
        wanted += extras[name]
    locked = pins(LOCK)
    for requirement in map(Requirement, wanted):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, requirement.name
        assert version in requirement.specifier, requirement


def test_no_index_is_named() -> None:
    assert "://" not in LOCK
    assert "index-url" not in LOCK
