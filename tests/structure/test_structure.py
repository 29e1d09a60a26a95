"""The rules of the source tree: no import cycles, small modules and functions, and a mirrored test for each module."""

import statistics
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import source_tree  # a script of the standard library beside this file; tests are no package
from source_tree import ROOT, Module, circles, import_graph, imported_modules, length, parameters, read_modules

MODULES = read_modules()
MOST_LAZY_IMPORTS = 10
LAZY_ROOMS = ("pipelines.cli", "plumecast")
"""The command line and the face for notebooks must start fast."""


def _is_command(function: source_tree.Function) -> bool:
    return any("command" in source_tree.ast.unparse(decorator) for decorator in function.decorator_list)


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"d"}}
    assert circles(graph) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []


def test_imports_inside_functions_count(tmp_path: Path) -> None:
    (tmp_path / "forecast").mkdir()
    (tmp_path / "forecast" / "__init__.py").write_text("")
    (tmp_path / "forecast" / "a.py").write_text("from forecast.b import second\n")
    (tmp_path / "forecast" / "b.py").write_text("def second():\n    from . import a\n    return a\n")
    modules = read_modules(tmp_path)
    assert imported_modules(modules["forecast.b"], modules) == {"forecast.a"}
    assert circles(import_graph(modules)) == [["forecast.a", "forecast.b"]]


def test_no_circles() -> None:
    assert circles(import_graph(MODULES)) == []


def test_modules_are_short() -> None:
    lines = {name: module.lines for name, module in MODULES.items() if not module.is_package}
    assert len(lines) > 200
    assert {name: count for name, count in lines.items() if count > 350} == {}
    assert statistics.median(lines.values()) <= 130


def test_functions_are_short() -> None:
    lengths = {
        f"{module.name}.{f.name}:{f.lineno}": length(f) for module in MODULES.values() for f in module.functions()
    }
    assert len(lengths) > 1000
    assert {name: count for name, count in lengths.items() if count > 60} == {}
    assert sorted(lengths.values())[int(0.9 * len(lengths))] <= 25


def test_signatures_are_narrow() -> None:
    """A command has a parameter for each of its options, and the keywords of scores are a contract."""
    wide = {
        f"{module.name}.{function.name}": parameters(function)
        for module in MODULES.values()
        for function in module.public_functions()
        if parameters(function) > 8 and not _is_command(function)
    }
    assert {name: count for name, count in wide.items() if not name.startswith("forecast.verification.scores.")} == {}


def test_imports_stand_at_the_top() -> None:
    inside = [
        f"{name}:{statement.lineno}"
        for name, module in MODULES.items()
        if not name.startswith(LAZY_ROOMS)
        for statement, is_inside in module.imports()
        if is_inside
    ]
    assert len(inside) <= MOST_LAZY_IMPORTS, inside


def test_the_time_of_day_is_asked_for_in_one_place() -> None:
    """So that a simulation can let a year pass: `datetime.now`, `date.today`, `time.time` stand in the clock alone."""
    asks = {"datetime.now", "datetime.utcnow", "date.today", "time.time", "time.time_ns"}
    found = {
        name
        for name, module in MODULES.items()
        for node in source_tree.ast.walk(module.tree)
        if isinstance(node, source_tree.ast.Attribute) and source_tree.ast.unparse(node) in asks
    }
    assert found == {"data_catalog.clock"}


def _mirror(module: Module) -> Path:
    relative = module.path.relative_to(ROOT)
    return ROOT / "tests" / relative.parent / f"test_{relative.name}"


@pytest.mark.parametrize("package", ["data_catalog", "forecast"])
def test_every_module_has_its_test(package: str) -> None:
    modules = [m for name, m in MODULES.items() if name.startswith(f"{package}.") and not m.is_package]
    assert modules
    assert [str(_mirror(m).relative_to(ROOT)) for m in modules if not _mirror(m).exists()] == []


def test_every_module_has_a_docstring() -> None:
    docstrings = {name: source_tree.ast.get_docstring(module.tree) or "" for name, module in MODULES.items()}
    assert [name for name, text in docstrings.items() if len(text) < 20 or text.startswith("TODO")] == []
