"""Machine code is kept from one process to the next, and never used after a change in any of its sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.verification import ensemble_pass
from forecast.verification.ensemble_pass import compilation, kernels
from forecast.verification.ensemble_pass.compilation import cache_directory, compiled, source_hash

SOURCES = Path(ensemble_pass.__file__).parent
ADD = """
import numpy as np
from forecast.verification.ensemble_pass.uses import add

given, result = np.arange(32.0).reshape(1, 32), np.zeros((1, 32))
add(given, result)
print(result[0, 3], sum(add.stats.cache_hits.values()))
"""
USES = """
from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.vector_type import load, store

@compiled
def add(given, result):
    store(result, 0, 0, load(given, 0, 0) + load(given, 0, 0))
"""


def test_a_change_in_a_source_is_a_change_of_the_result(tmp_path: Path) -> None:
    package = tmp_path / "forecast" / "verification" / "ensemble_pass"
    shutil.copytree(SOURCES, package, ignore=shutil.ignore_patterns("__pycache__"))
    for directory in (package.parent, package.parent.parent):
        (directory / "__init__.py").touch()
    (package / "uses.py").write_text(USES)
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}

    def run() -> list[str]:
        command, environment = [sys.executable, "-c", ADD], {**kept, "PYTHONPATH": str(tmp_path)}
        return subprocess.check_output(command, text=True, cwd=tmp_path, env=environment).split()

    assert run() == ["6.0", "0"]
    assert run() == ["6.0", "1"]
    source = package / "vector_type.py"
    source.write_text(source.read_text().replace("builder.fadd(", "builder.fmul("))
    assert run() == ["9.0", "0"]


def test_every_source_counts(tmp_path: Path) -> None:
    copied = shutil.copytree(SOURCES, tmp_path / "sources", ignore=shutil.ignore_patterns("__pycache__"))
    before = source_hash(copied)
    assert before == source_hash()
    for name in ("kernels.py", "memory.py", "sorting.py", "vector_type.py"):
        path = copied / name
        content = path.read_bytes()
        path.write_bytes(content + b"#")
        assert source_hash(copied) != before
        path.write_bytes(content)
    assert source_hash(copied) == before


def test_machine_code_lies_in_a_folder_named_for_its_sources() -> None:
    directory = cache_directory()
    assert directory is not None
    assert source_hash() in directory.name
    assert Path(kernels.aligned_rows.stats.cache_path).parent == directory


def test_a_named_directory_is_used_and_nothing_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation.settings, "CACHE_DIR", str(tmp_path))
    cache_directory.cache_clear()
    try:
        assert cache_directory() == tmp_path / f"compiled-{source_hash()}"
        assert str(tmp_path) == compilation.settings.CACHE_DIR
        (tmp_path / "taken").touch()
        monkeypatch.setattr(compilation.settings, "CACHE_DIR", str(tmp_path / "taken"))
        monkeypatch.setattr(compilation, "SOURCES", tmp_path / "taken")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "taken"))
        cache_directory.cache_clear()
        assert cache_directory() is None

        @compiled
        def twice(number: float) -> float:
            return 2 * number

        assert twice(4.0) == 8.0
    finally:
        cache_directory.cache_clear()
